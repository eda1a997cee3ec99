/**
 * The search for the commit that breaks verify.sh, as a function of what is known. Commits are counted along the
 * branch: 0 is the one on which the voyage began, and `last` the tip, which is known to fail.
 */

/** What is known of one commit: how often verify.sh has passed and failed there. */
export type Answers = { passed: number; failed: number };
export type Known = ReadonlyMap<number, Answers>;

/**
 * What is to be done next.
 * - `run`: verify.sh is to be run at the commit `at`.
 * - `found`: `bad` is the first commit that fails after `good`, the one before it, which passes.
 * - `flaky`: verify.sh has both passed and failed at the commit `at`, so that no answer says anything.
 * - `not-good`: verify.sh fails at the commit that the captain has called good.
 * - `none-passes`: it has passed at none of the commits at which it was run.
 */
export type Next =
  | { kind: "run"; at: number }
  | { kind: "found"; good: number; bad: number }
  | { kind: "flaky"; at: number }
  | { kind: "not-good"; at: number }
  | { kind: "none-passes"; ran: number[] };

/**
 * Says what is to be done next.
 *
 * Between a commit that passes and one that fails it halves. While none is known to pass it halves down to the start,
 * which counts as one commit more: of n tasks that takes ⌈log2(n + 1)⌉ runs at most. Where that ends at a start that
 * fails, verify.sh may have failed there only because the work was not done yet. Then it goes back from the tip by
 * steps that double, and halves again when a commit passes. So what it finds is a commit that fails after one that
 * passes, whatever the history is like; where nothing passes, it names nothing.
 *
 * @param good a commit that the captain calls good. It is run itself when no other comes between it and the culprit.
 */
export function nextStep(last: number, known: Known, good?: number): Next {
  const fails = (at: number) => (known.get(at)?.failed ?? 0) > 0;
  const passes = (at: number) => (known.get(at)?.passed ?? 0) > 0;
  const commits = [...known.keys()].sort((a, b) => a - b);
  const flaky = commits.findLast((at) => fails(at) && passes(at));
  if (flaky !== undefined) return { kind: "flaky", at: flaky };
  if (good !== undefined && fails(good)) return { kind: "not-good", at: good };

  const passed = Math.max(commits.findLast(passes) ?? -1, good ?? -1);
  const bad = commits.find((at) => at > passed && fails(at)) ?? last;
  if (passed >= 0) {
    if (bad - passed > 1) return { kind: "run", at: middle(passed, bad) };
    return passes(passed) ? { kind: "found", good: passed, bad } : { kind: "run", at: passed };
  }
  if (bad > 0) return { kind: "run", at: middle(-1, bad) };
  for (let step = 1; step < last; step *= 2) if (!known.has(last - step)) return { kind: "run", at: last - step };
  return { kind: "none-passes", ran: commits };
}

const middle = (low: number, high: number) => Math.floor((low + high) / 2);

/**
 * The commits that are to be run once more before a culprit is named: itself and the one before it, unless each was run
 * twice already.
 */
export const onceMore = (found: { good: number; bad: number }, known: Known): number[] =>
  [found.bad, found.good].filter((at) => {
    const { passed = 0, failed = 0 } = known.get(at) ?? {};
    return passed + failed < 2;
  });
