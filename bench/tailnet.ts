/**
 * `unshare --net node bench/tailnet.ts [ships]` (as root; docs/bench.md) measures a voyage in a tailnet against the
 * same one without. Harbor ships have no latency, and in the tailnet networks of their own; headscale and the captain's
 * own node are real. All runs on this machine.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spriteFolder } from "../harbor/sprites/sprite-records.ts";
import { harborHome, voyageFolder } from "../lib/base/paths.ts";
import { ensureHarbor } from "../lib/daemons/harbor.ts";
import { helmClient } from "../lib/daemons/helm-client.ts";
import { writeBusyPlan } from "./busy-plan.ts";
import { openMachine, STACK } from "./machine.ts";
import { openMeshes, type Sea } from "./mesh.ts";
import { median } from "./numbers.ts";
import { voyageStack } from "./stack.ts";

const CHANGES = 15;
const SHIP = "ship-0";
const ships = Number(process.argv[2] ?? 8);

const meshes = await openMeshes();
try {
  for (const mesh of ["none", "tailscale"] as const)
    console.log(JSON.stringify({ mesh, ships, ...(await sail(meshes.sea(mesh))) }));
} finally {
  await meshes.close();
}
process.exit();

async function sail({ config, env }: Sea) {
  const machine = await openMachine();
  Object.assign(process.env, env);
  try {
    const folder = join(machine.folder, "s");
    await mkdir(folder);
    const voyage = await voyageStack(folder, await writeBusyPlan(folder, ships), ships, new AbortController().signal, config);
    await ensureHarbor({ latency: "none" });
    const up = await voyage.up();
    await allAtWork();
    const noop = await voyage.up(["--expect-no-changes"]);
    const memory = await memoryOf();
    const changes = await measureChanges();
    await voyage.destroy();
    return { up: seconds(up.ms), upCpu: seconds(up.cpuMs), noop: seconds(noop.ms), ...changes, memory };
  } finally {
    await machine.close();
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 10) / 100;
}

async function allAtWork(): Promise<void> {
  const id = await voyageId();
  for (const end = Date.now() + 60_000; ; await sleep(100)) {
    const { tasks } = await helmClient().voyage(id);
    if (tasks.filter((task) => task.status === "claimed").length === ships) return;
    if (Date.now() > end) throw new Error("not every ship was at work");
  }
}

/**
 * Measures the milliseconds from a file's writing on one side to its being on the other: a ship's home is on this
 * machine's disk.
 */
async function measureChanges() {
  const mirror = voyageFolder(STACK).mirror(SHIP);
  const status = await helmClient().voyage(await voyageId());
  const life = status.ships.find(({ ship }) => ship === SHIP)?.incarnation ?? "";
  const home = join(spriteFolder(harborHome(), life), "home", "voyage", "workspace");
  const [toShip, toCaptain]: [number[], number[]] = [[], []];
  for (let i = 0; i < CHANGES; i++) {
    toShip.push(await appears(join(mirror, `down-${i}`), join(home, `down-${i}`)));
    toCaptain.push(await appears(join(home, `up-${i}`), join(mirror, `up-${i}`)));
  }
  return { toShipMs: Math.round(median(toShip)), toCaptainMs: Math.round(median(toCaptain)) };
}

async function voyageId(): Promise<string> {
  return (JSON.parse(await readFile(voyageFolder(STACK).voyageFile, "utf8")) as { voyageId: string }).voyageId;
}

async function appears(from: string, to: string): Promise<number> {
  await sleep(400);
  const started = performance.now();
  await writeFile(from, "x", { mode: 0o666 });
  for (;;) {
    if (await readFile(to).catch(() => null)) return performance.now() - started;
    if (performance.now() - started > 30_000) return Number.NaN;
    await sleep(1);
  }
}

/** Resident MiB of this machine's and the ships' processes, by what they are: how many, and their median. */
async function memoryOf() {
  const kinds: [string, RegExp][] = [
    ["ship's tailscaled, for a session", /tailscaled be-child/],
    ["ship's tailscaled", /voyage\/tailnet\/tailscaled/],
    ["ship's door", /tailnet\/door\.js/],
    ["captain's tailscaled", /tailscaled --tun.*captain/],
    ["headscale", /headscale .*serve/],
    ["tailscale nc", /tailscale .* nc /],
    ["ssh", /^ssh -F/],
  ];
  const found: Record<string, number[]> = {};
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const line = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
    const kind = kinds.find(([, words]) => words.test(line))?.[0];
    const rss = /^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))?.[1];
    if (kind && rss && !/^(nsenter|setpriv|env|sh) /.test(line)) found[kind] = [...(found[kind] ?? []), Number(rss) / 1024];
  }
  return Object.fromEntries(
    Object.entries(found).map(([kind, all]) => [kind, { processes: all.length, mebibytes: Math.round(median(all)) }]),
  );
}
