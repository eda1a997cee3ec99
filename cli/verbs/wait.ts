import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson } from "../../lib/base/text.ts";
import { collectStatus } from "../../lib/watch/collect.ts";
import { isReadyToLand } from "../../lib/watch/landed.ts";
import type { StatusView } from "../../lib/watch/view.ts";
import { parseDuration } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage, sameVoyage } from "../target/choose-voyage.ts";

const LOOK_MS = 1_000;
/** The exit status of `timeout` for a command that took too long. */
const TIMED_OUT = 124;

type Goal = "verified" | "idle" | "needs-captain";
const GOALS: readonly Goal[] = ["verified", "idle", "needs-captain"];

/**
 * Has the voyage got there? `done` is as far as a plan without verify.sh can get. One that has sunk since stays what it
 * had come to.
 */
const REACHED: Record<Goal, (view: StatusView) => boolean> = {
  verified: ({ state, sunkAs }) => state === "verified" || state === "done" || sunkAs !== null,
  idle: ({ state, tasks }) => state !== "unknown" && state !== "verifying" && tasks.claimed === 0,
  // That a verified voyage is ready to land is no need of a voyage at work.
  "needs-captain": ({ attention }) => attention.some(({ id }) => !isReadyToLand(id)),
};

/** From these states no ship brings a voyage any further: somebody must do something. */
const STUCK: readonly StatusView["state"][] = [
  "failed",
  "blocked",
  "needs-captain",
  "budget",
  "lost",
  "stalled",
  "paused",
  "sunk",
];

/** In these of them no task is given out, and those at work come to their end or are given back. */
const HELD_BACK: readonly StatusView["state"][] = ["paused", "budget"];

/**
 * `ocaptain wait [voyage] [--for verified|idle|needs-captain] [--timeout 2h]`: ends when the voyage has got there.
 * @returns the exit status: 0 reached, 1 it cannot be reached without somebody's doing, 124 the time is over
 */
export async function wait(name: string | undefined, options: { for?: string; timeout?: string }, io: Io): Promise<number> {
  const goal = GOALS.find((each) => each === (options.for ?? "verified"));
  if (!goal)
    throw new OcaptainError("USAGE", `--for ${options.for}: a voyage can be waited for until it is ${GOALS.join(", ")}`, {
      hint: "ocaptain wait --for verified",
    });
  const end = options.timeout === undefined ? Number.POSITIVE_INFINITY : Date.now() + parseDuration(options.timeout);
  const voyage = await chooseVoyage(name);
  for (let told = ""; !io.signal.aborted; await sleep(LOOK_MS, undefined, { signal: io.signal }).catch(() => {})) {
    const view = await collectStatus(await sameVoyage(voyage));
    const was = view.sunkAs ? `, and was ${view.sunkAs}` : "";
    const said = `${view.stack} is ${view.state}${was}: ${view.tasks.accepted} of ${view.tasks.total - view.tasks.cancelled} tasks accepted`;
    if (said !== told) io.note(said);
    told = said;
    const outcome = outcomeOf(view, goal, end);
    if (!outcome) continue;
    if (io.json)
      io.out(plainJson({ voyage: view.stack, for: goal, outcome: outcome.word, state: view.state, tasks: view.tasks }));
    return outcome.status;
  }
  return 130;
}

function outcomeOf(view: StatusView, goal: Goal, end: number): { word: "reached" | "stuck" | "timeout"; status: number } | null {
  if (REACHED[goal](view)) return { word: "reached", status: 0 };
  const comesToRest = goal === "idle" && view.tasks.claimed > 0 && HELD_BACK.includes(view.state);
  if ((STUCK.includes(view.state) && !comesToRest) || (goal === "needs-captain" && REACHED.verified(view)))
    return { word: "stuck", status: 1 };
  return Date.now() >= end ? { word: "timeout", status: TIMED_OUT } : null;
}
