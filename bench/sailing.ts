import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { harborHome, voyageFolder } from "../lib/base/paths.ts";
import { ensureHarbor } from "../lib/daemons/harbor.ts";
import { helmClient } from "../lib/daemons/helm-client.ts";
import { writeBusyPlan } from "./busy-plan.ts";
import { openMachine, STACK } from "./machine.ts";
import { type Cost, floorStack, voyageStack } from "./stack.ts";

/** The floor and a voyage, measured one right after the other. `noop` is null when it was not asked for. */
export type Pair = { floor: Costs; voyage: Costs & { callsAShip: number } };
export type Costs = { up: Cost; noop: Cost | null };

const SETTLED_MS = 60_000;

/**
 * Sails a new voyage of `ships` on a new machine with a realistic harbor, right after the floor has done the same.
 * The harbor runs before, as a provider does; helm and sync daemon are started by the `up`.
 */
export async function sailPair(ships: number, options: { noop: boolean; signal: AbortSignal }): Promise<Pair> {
  const { noop, signal } = options;
  const machine = await openMachine();
  try {
    const [below, above] = [join(machine.folder, "f"), join(machine.folder, "s")];
    await Promise.all([mkdir(below), mkdir(above)]);

    const floor = await floorStack(below, ships, signal);
    const floorUp = await floor.up();
    const floorNoop = noop ? await floor.up(["--expect-no-changes"]) : null;

    const voyage = await voyageStack(above, await writeBusyPlan(above, ships), ships, signal);
    await ensureHarbor({ latency: "realistic" });
    const before = await apiCalls();
    const up = await voyage.up();
    const callsAShip = ((await apiCalls()) - before) / ships;
    let voyageNoop: Cost | null = null;
    if (noop) {
      await allAtWork(ships, signal);
      voyageNoop = await voyage.up(["--expect-no-changes"]);
    }
    return { floor: { up: floorUp, noop: floorNoop }, voyage: { up, noop: voyageNoop, callsAShip } };
  } finally {
    await machine.close();
  }
}

/** Counts the calls of the sprites API that the harbor has answered. */
async function apiCalls(): Promise<number> {
  const text = await readFile(join(harborHome(), "requests.jsonl"), "utf8").catch(() => "");
  const lines = text.split("\n").filter(Boolean);
  return lines.filter((line) => (JSON.parse(line) as { path: string }).path.startsWith("/v1/")).length;
}

/** Waits until each ship has a task: nothing changes from then on. */
async function allAtWork(ships: number, signal: AbortSignal): Promise<void> {
  const { voyageId } = JSON.parse(await readFile(voyageFolder(STACK).voyageFile, "utf8")) as { voyageId: string };
  const end = Date.now() + SETTLED_MS;
  for (;;) {
    const { tasks } = await helmClient().voyage(voyageId);
    if (tasks.filter((task) => task.status === "claimed").length === ships) return;
    if (Date.now() > end) throw new Error(`not every ship was at work ${SETTLED_MS / 1000} s after up`);
    await sleep(100, undefined, { signal });
  }
}
