import { execa } from "execa";
import { until } from "../../support/until.ts";
import type { EngineStep } from "../history.ts";
import { passTime } from "./pass-time.ts";
import { befall } from "./trouble.ts";
import { engineProcesses, find, unusedProviders } from "./victims.ts";
import type { World } from "./world.ts";

/** The longest that a run may take before its engine is killed, which a history says. */
const LONGEST_MS = 6 * 60_000;
/** The time in which the start of a run falls, before its first line. */
const START_MS = 1_500;
const ENDS_MS = 30_000;
const WATCH_MS = 100;

/** A line of the engine's that tells of a resource: that something begins, or has ended. */
const OF_A_RESOURCE = /^ [-+~ ]{1,4}\S+:\S+ \S+ /gm;

export type Ran = { ok: boolean; killed: boolean; printed: string; broken: string[]; troubles: string[] };

/** The lines that each kind of run has printed last time: by them a share of its length is found. */
const usual = new Map<string, number>();

/** Runs the engine as a step says, with its troubles at their moments. */
export async function runEngine(world: World, step: EngineStep): Promise<Ran> {
  const { captain } = world;
  const words = step.do === "preview" ? ["preview"] : [step.do, "--yes", "--skip-preview"];
  world.count(`run: ${step.do}`);
  const started = performance.now();
  const running = execa("pulumi", [...words, ...captain.onStack, "--non-interactive", "--color", "never"], {
    ...{ cwd: new URL("../../..", import.meta.url), env: captain.env, all: true, reject: false },
    ...{ timeout: LONGEST_MS, killSignal: "SIGKILL" as const },
  });
  let lines = 0;
  let ended = false;
  running.all.on("data", (chunk: Buffer) => {
    lines += chunk.toString().match(OF_A_RESOURCE)?.length ?? 0;
  });
  const end = running.finally(() => {
    ended = true;
  });
  const expected = usual.get(step.do) ?? 8 + 12 * world.said.ships;
  const troubles: string[] = [];
  let killed = false;
  for (const { at, trouble } of step.during) {
    // The first tenth is the time before any line: the engine starts, and so do program and provider.
    const isDue = () =>
      at.share < 0.1 ? performance.now() - started > at.share * 10 * START_MS : lines >= (at.share - 0.1) * expected;
    while (!ended && !isDue()) await passTime(WATCH_MS / 4);
    if (at.share >= 0.1 && !ended) await passTime(((at.share * 997) % 1) * 400);
    const late = ended ? " after its end" : "";
    const what = await befall(world, trouble, at.part);
    troubles.push(`${what}${late}`);
    if (trouble.do === "kill" && trouble.what.kind === "engine" && what !== "nothing") killed = true;
  }
  const result = await end;
  const printed = String(result.all);
  world.printed += printed;
  if (result.exitCode === 0) usual.set(step.do, lines);
  killed ||= result.timedOut || result.signal === "SIGKILL";
  if (result.timedOut) troubles.push("killed, since it took too long");
  return { ok: result.exitCode === 0, killed, printed, troubles, broken: killed ? await afterKill(world) : [] };
}

/**
 * What an engine's death by SIGKILL has left: a provider in which nothing of ours has run yet is not to outlive it,
 * while one with a call finishes that. The engine's lock is for the person to clear.
 */
async function afterKill(world: World): Promise<string[]> {
  const gone = () => engineProcesses(world).length === 0;
  await until("the end of the engine's processes", gone, ENDS_MS, { everyMs: WATCH_MS }).catch(() => undefined);
  const left = unusedProviders(world).map(({ pid }) => pid);
  await world.captain.pulumi(["cancel", "--yes", world.captain.stack], { reject: false });
  return find(world, { kind: "engine" }, undefined, "before").length > 0
    ? ["an engine that was killed runs"]
    : left.map((pid) => `provider process ${pid} has outlived its engine, without a call`);
}
