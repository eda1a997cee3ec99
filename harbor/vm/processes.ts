import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import { signalQuietly } from "./signals.ts";

/**
 * Finds the processes of unconfined ships: all that have {@link MARK} in their environment, and what descends from
 * them. The environment is inherited through new sessions and when parents end; descent finds a child that cleared it,
 * or is just being executed. It needs Linux, because it reads /proc.
 */

/** The variable that marks a ship's processes; its value is the sprite's folder. */
export const MARK = "OCAPTAIN_SHIP_FOLDER";

const END_TIMEOUT_MS = 5_000;
const FREEZE_ROUNDS = 200;
/** How often a process is looked at until it has stopped, which it does when it is next scheduled. */
const STOP_LOOKS = 20;
/** Rounds after which a process in state D is left alone: a parent that waits for a child which is stopped. */
const PATIENT_ROUNDS = 20;

type Seen = { pid: number; parent: number; state: string };

/**
 * The living processes of the ship in `folder`, or of all ships in folders below it; parents come before their
 * children.
 */
export function shipProcesses(folder: string): Seen[] {
  const all = readdirSync("/proc").flatMap((entry) => seen(Number(entry)) ?? []);
  const found = new Map(all.filter(({ pid }) => hasMark(pid, folder)).map((process) => [process.pid, process]));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const process of all) if (found.has(process.parent)) found.set(process.pid, process);
  }
  const depth = ({ parent }: Seen): number => {
    const above = found.get(parent);
    return above ? depth(above) + 1 : 0;
  };
  return [...found.values()].sort((a, b) => depth(a) - depth(b));
}

/** A living process by its number; undefined for what is no process, is dead, or is this process. */
function seen(pid: number): Seen | undefined {
  if (!Number.isInteger(pid) || pid === process.pid) return undefined;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name comes before, in brackets, and may hold anything.
    const [state = "", parent] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return "ZX".includes(state) ? undefined : { pid, parent: Number(parent), state };
  } catch {
    return undefined;
  }
}

/**
 * Whether a process has the mark of the ship in `folder`, or of one in a folder below it. The mark comes when a program
 * is executed.
 */
export function hasMark(pid: number, folder: string): boolean {
  try {
    const [, value] = /(?:^|\0)OCAPTAIN_SHIP_FOLDER=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, "utf8")) ?? [];
    return value === folder || value?.startsWith(`${folder}/`) === true;
  } catch {
    return false; // it ended meanwhile, or is another user's
  }
}

/**
 * Kills a ship's processes until two looks in a row find none: between fork and exec a process can be missed.
 * @throws OcaptainError SHIP_STUCK after 5 s
 */
export async function endShipProcesses(folder: string): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT_MS;
  for (let clear = 0; clear < 2; await delay(5)) {
    const found = shipProcesses(folder);
    clear = found.length === 0 ? clear + 1 : 0;
    for (const { pid } of found) signalQuietly(pid, "SIGKILL");
    if (found.length > 0 && performance.now() > deadline) throw stuck(folder, found, `did not end in ${END_TIMEOUT_MS} ms`);
  }
}

/**
 * Stops a ship's processes one after the other, parents first, until two rounds in a row find nothing that runs;
 * docs/adr/ships-by-bubblewrap.md says why in that order.
 * @throws OcaptainError SHIP_STUCK when something goes on running; what was stopped stays stopped
 */
export async function stopShipProcesses(folder: string): Promise<void> {
  let running: Seen[] = [];
  for (let round = 0, still = 0; round < FREEZE_ROUNDS; round++) {
    const found = shipProcesses(folder);
    running = found.filter(({ state }) => state === "R" || state === "S");
    const waiting = round < PATIENT_ROUNDS && found.some(({ state }) => state === "D");
    still = running.length === 0 && !waiting ? still + 1 : 0;
    if (still === 2) return;
    for (const { pid, state } of found) {
      if (!"RSD".includes(state)) continue;
      signalQuietly(pid, "SIGSTOP");
      for (let look = 0; look < STOP_LOOKS && "RS".includes(seen(pid)?.state ?? "-"); look++) await delay(1);
    }
    if (running.length === 0) await delay(5);
  }
  throw stuck(folder, running, "would not stop");
}

/**
 * Continues a ship's processes, children before parents, so that a shell does not see its foreground job as stopped.
 */
export function continueShipProcesses(folder: string): void {
  for (const { pid } of shipProcesses(folder).reverse()) signalQuietly(pid, "SIGCONT");
}

const stuck = (folder: string, processes: Seen[], what: string) =>
  new OcaptainError("SHIP_STUCK", `processes ${processes.map(({ pid }) => pid).join(", ")} of the ship in ${folder} ${what}`);
