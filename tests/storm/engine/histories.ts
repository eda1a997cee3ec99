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

/** The history of a seed for the real engine, with one to three deaths by SIGKILL or other troubles in most of its runs. */
export const engineHistory = (seed: number): History => ({ ...historyOf(seed, ENGINE_KINDS), seed });

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
