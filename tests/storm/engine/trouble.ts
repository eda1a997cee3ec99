import { statfsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { spriteName } from "../../../lib/base/naming.ts";
import { knownHarbor } from "../../../lib/daemons/harbor.ts";
import { voyageMutagen } from "../../../lib/mutagen/voyage.ts";
import { setHarborFaults } from "../../support/harbor-faults.ts";
import { isRunning } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import type { Trouble } from "../history.ts";
import { passTime } from "./pass-time.ts";
import { find } from "./victims.ts";
import { DISK_BYTES, DISKS, spritesNow, type World } from "./world.ts";

/** How long a network or a process is slow. */
const SLOW_MS = 3_000;
const CALLS = ["create", "get", "list", "delete", "exec", "socket", "fs"] as const;
/** The faults of a history in the harbor's words (harbor/http/faults.ts). */
const KIND = { "rate-limit": "rate-limit", unavailable: "unavailable", "fails-but-happens": "fails-but-happens" } as const;

/** Brings a trouble about, and says what it did; "nothing" where there was nothing that it could happen to. */
export async function befall(world: World, trouble: Trouble, part: "before" | "after" = "before"): Promise<string> {
  const what = await happen(world, trouble, part);
  if (!what.startsWith("nothing")) world.count(nameOf(trouble, part));
  return what;
}

/** What a trouble is called in the table of what came to pass. */
function nameOf(trouble: Trouble, part: "before" | "after"): string {
  if (trouble.do === "kill")
    return `SIGKILL: ${trouble.what.kind === "provider" && part === "after" ? "language host" : trouble.what.kind}`;
  if (trouble.do === "network") return `network: ${trouble.path.between} ${trouble.state}`;
  if (trouble.do === "fault") return `fault: ${trouble.fault}`;
  if (trouble.do === "drift") return `drift: ${trouble.what} ${trouble.how}`;
  return trouble.do === "full-disk" ? `full disk: ${trouble.place.on}` : trouble.do;
}

async function happen(world: World, trouble: Trouble, part: "before" | "after"): Promise<string> {
  const voyageId = await world.captain.voyageId().catch(() => undefined);
  switch (trouble.do) {
    case "kill": {
      const pids = find(world, trouble.what, voyageId, part);
      for (const pid of pids) signal(pid, "SIGKILL");
      for (const pid of pids) await until(`the end of process ${pid}`, () => !isRunning(pid));
      return pids.length > 0 ? `killed ${pids.join()}` : "nothing";
    }
    case "network":
      if (trouble.path.between === "captain-provider" && trouble.state === "cut")
        return faults(
          world,
          CALLS.map((on) => ({ on, kind: "unavailable", times: 1000 })),
        );
      return stop(world, trouble.path.between === "ship-helm" ? "helm" : "harbor", trouble.state === "slow");
    case "fault": {
      if (trouble.fault === "slow") return stop(world, "harbor", true);
      const kind = trouble.fault === "false-404" ? "false-404" : KIND[trouble.fault];
      return faults(world, [{ on: trouble.on, kind, times: trouble.times }]);
    }
    case "freeze":
      return voyageId === undefined ? "nothing" : sleep(shipName(world, voyageId, trouble.ship));
    case "full-disk":
      return world.disks ? fill(world, trouble.place.on === "captain" ? DISKS[0] : DISKS[1]) : "nothing: it needs root";
    case "clock":
      return "nothing: only the model has clocks";
    case "drift":
      return voyageId === undefined ? "nothing" : drift(world, trouble, voyageId);
  }
}

export async function relieve(world: World): Promise<void> {
  for (const end of world.relief.splice(0)) await end();
  const harbor = knownHarbor();
  if (harbor) await setHarborFaults(harbor).catch(() => {});
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** Stops a daemon until relief, or for a while. */
async function stop(world: World, kind: "helm" | "harbor", shortly: boolean): Promise<string> {
  const pids = find(world, { kind }, undefined, "before");
  for (const pid of pids) signal(pid, "SIGSTOP");
  const goOn = () => {
    for (const pid of pids) signal(pid, "SIGCONT");
  };
  if (shortly) await passTime(SLOW_MS).then(goOn);
  else world.relief.push(goOn);
  return pids.length > 0 ? `stopped ${pids.join()}` : "nothing";
}

async function faults(_world: World, list: object[]): Promise<string> {
  const harbor = knownHarbor();
  if (!harbor) return "nothing";
  return setHarborFaults(harbor, ...list).then(
    () => "set",
    () => "nothing",
  );
}

const shipName = (world: World, voyageId: string, ship: number) =>
  spriteName(world.captain.stack, voyageId, `ship-${ship % Math.max(world.wanted.ships.length, 1)}`);

async function sleep(name: string): Promise<string> {
  const harbor = knownHarbor();
  if (!harbor) return "nothing";
  const request = { method: "POST", headers: { authorization: `Bearer ${harbor.token}` }, body: JSON.stringify({ to: "warm" }) };
  const reply = await fetch(`${harbor.url}/__harbor/sprites/${name}/sleep`, {
    ...request,
    signal: AbortSignal.timeout(10_000),
  }).catch(() => null);
  return reply?.ok ? `${name} sleeps` : "nothing";
}

/** Makes a disk as small as what is on it, until relief. */
async function fill(world: World, disk: string): Promise<string> {
  const folder = join(world.captain.folder, disk);
  const { blocks, bfree, bsize } = statfsSync(folder);
  const resize = (bytes: number) => execa("mount", ["-o", `remount,size=${bytes}`, folder]);
  await resize((blocks - bfree + 1) * bsize);
  world.relief.push(async () => void (await resize(DISK_BYTES)));
  return `filled ${disk}`;
}

async function drift(world: World, { what, ship, how }: Trouble & { do: "drift" }, voyageId: string): Promise<string> {
  const name = shipName(world, voyageId, ship);
  const sprites = await spritesNow();
  if (!sprites || what === "node" || what === "key") return "nothing";
  const mutagen = voyageMutagen({ voyageId, provider: "harbor" });
  const tried = async (): Promise<void> => {
    if (what === "vm") {
      const labels = (await sprites.get(name))?.labels ?? [];
      await sprites.remove(name);
      // Another VM of that name, as somebody makes who restores one.
      if (how === "altered") await sprites.create(name, labels);
    } else if (what === "sync") {
      const own = name.slice(name.lastIndexOf("ship-"));
      const found = (await mutagen.list()).find(({ labels }) => labels.ship === own && labels.kind === "workspace");
      await mutagen.terminate(found?.name ?? "none");
    } else {
      const command = how === "removed" ? "kill-server" : "rename-session -t =crew other";
      await sprites.exec(name, ["sh", "-c", `tmux ${command}`]);
    }
  };
  return tried().then(
    () => `${how} the ${what} of ${name}`,
    () => "nothing",
  );
}
