import type { Kinds } from "../generate.ts";
import { historyOf } from "../generate.ts";
import type { History } from "../history.ts";

/**
 * What histories of the real engine are made of. Clocks are the machine's, and a landing needs a forge: both are the
 * model's. A tailnet has a network of its own in tests/tailnet.
 */
const ENGINE_KINDS: Kinds = {
  steps: 9,
  ships: 2,
  troubles: ["kill", "network", "freeze", "full-disk", "fault", "drift"],
  victims: ["engine", "provider", "helm", "harbor", "sync-daemon", "supervisor", "hand", "confinement"],
  tailnet: false,
  land: false,
};

/**
 * The history of a seed for the real engine. Runs are dear here, so it is the first of those that the seed leads to in
 * which a process dies by SIGKILL; with an even seed it begins with an `up` that trouble befalls.
 */
export function engineHistory(seed: number, steps = ENGINE_KINDS.steps): History {
  for (let at = seed * 1000; ; at++) {
    const history = historyOf(at, { ...ENGINE_KINDS, steps });
    const [, second] = history.steps;
    const beginsBadly = second?.do === "up" && second.during.length > 0;
    if (deaths(history) === 0 || (seed % 2 === 0 && !beginsBadly)) continue;
    return { ...history, seed, steps: seed % 2 === 0 ? history.steps.slice(1) : history.steps };
  }
}

/** How many processes die by SIGKILL. */
const deaths = ({ steps }: History): number =>
  steps
    .flatMap((step) => ("during" in step ? step.during.map(({ trouble }) => trouble) : [step]))
    .filter((one) => one.do === "kill").length;

/** The histories that are a little smaller: each without one step, and each with one trouble less. */
export function* smaller(history: History): Generator<History> {
  const { steps } = history;
  for (let size = Math.floor(steps.length / 2); size >= 1; size = Math.floor(size / 2))
    for (let from = 1; from + size <= steps.length; from += size)
      yield { ...history, steps: [...steps.slice(0, from), ...steps.slice(from + size)] };
  for (const [index, step] of steps.entries())
    if ("during" in step)
      for (const gone of step.during)
        yield { ...history, steps: steps.with(index, { ...step, during: step.during.filter((one) => one !== gone) }) };
}
