import { execFile } from "node:child_process";
import { statfsSync } from "node:fs";
import { promisify } from "node:util";
import type { HarborClock } from "./clock.ts";
import type { HarborShip } from "./ship.ts";

const MIB = 1024 * 1024;
/** How often the use of the disk is looked at. */
export const DISK_LOOK_MS = 2_500;
/**
 * The part of the most by which the whole file system must have grown before ships are measured, which takes a while.
 */
const GRAIN = 16;
/** How often ships are measured all the same, in looks: others may take away as much as a ship writes. */
const REGULARLY = 60;

/** The most of the disk that a ship may take: a sprite's 100 GiB, or half of what is free when the harbor starts. */
export function defaultDiskMiB(home: string): number {
  const { bavail, bsize } = statfsSync(home);
  return Math.min(100 * 1024, Math.floor((bavail * bsize) / 2 / MIB));
}

/**
 * Ends the processes of ships that have more on disk than they may. File systems bind what a folder takes only where
 * they are set up for it, so ships are measured: the ones awake, whenever the file system's use has grown, and now and
 * then all the same. One that was ended may be woken, to take files away: it is measured at each look, and ended again
 * when it has more than before.
 */
export function watchDisk(
  ships: { all(): HarborShip[] },
  { home, mostMiB, clock, event }: { home: string; mostMiB: number; clock: HarborClock; event(text: string): void },
): () => void {
  /** What ships had when they were ended. */
  const over = new Map<HarborShip, number>();
  let usedMiB = usedOf(home);
  let looks = 0;
  let cancel = () => {};

  async function look(): Promise<void> {
    const awake = ships.all().filter(({ status }) => status === "running");
    const used = usedOf(home);
    const grown = used > usedMiB + mostMiB / GRAIN || ++looks % REGULARLY === 0;
    if (grown || used < usedMiB) usedMiB = used;
    for (const ship of awake) {
      if (!grown && !over.has(ship)) continue;
      const size = await sizeOf(ship.folder);
      if (size <= mostMiB) over.delete(ship);
      if (size <= Math.max(mostMiB, over.get(ship) ?? 0)) continue;
      over.set(ship, size);
      event(`${ship.record.name} has ${size} MiB on disk and may have ${mostMiB}: its processes are ended`);
      await ship.sleep("cold");
    }
  }

  const next = () => {
    cancel = clock.after(DISK_LOOK_MS, () => {
      look().catch((error: Error) => event(`the disk could not be looked at: ${error.message}`));
      next();
    });
  };
  next();
  return () => cancel();
}

function usedOf(home: string): number {
  const { blocks, bfree, bsize } = statfsSync(home);
  return Math.floor(((blocks - bfree) * bsize) / MIB);
}

/** What a folder has, in MiB. What cannot be read, or goes away meanwhile, is left out. */
async function sizeOf(folder: string): Promise<number> {
  const du = promisify(execFile)("du", ["-skx", folder], { timeout: 60_000 });
  const { stdout } = await du.catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? "" }));
  return Math.floor(Number.parseInt(stdout, 10) / 1024) || 0;
}
