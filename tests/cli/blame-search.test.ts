import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Answers, type Next, nextStep, onceMore } from "../../cli/landing/blame/search.ts";

/**
 * Follows the search to its end, with an oracle that says whether verify.sh passes at a commit. Returns its end and
 * what was run.
 */
function follow(last: number, passes: (at: number) => boolean, more: { good?: number; before?: Map<number, Answers> } = {}) {
  const known = new Map(more.before ?? [[last, { passed: 0, failed: 1 }]]);
  const ran: number[] = [];
  for (;;) {
    const next = nextStep(last, known, more.good);
    if (next.kind !== "run") return { next, ran, known };
    ran.push(next.at);
    if (ran.length > 100) throw new Error(`no end: ${ran.join(" ")}`);
    const { passed, failed } = known.get(next.at) ?? { passed: 0, failed: 0 };
    const ok = passes(next.at);
    known.set(next.at, { passed: passed + (ok ? 1 : 0), failed: failed + (ok ? 0 : 1) });
  }
}
const found = (good: number): Next => ({ kind: "found", good, bad: good + 1 });
const bits = (n: number) => Math.ceil(Math.log2(n));

describe("where one task has broken it for good", () => {
  test("each of 40 tasks is found by 6 runs at most, though nobody knows whether the start passes", () => {
    for (let culprit = 1; culprit <= 40; culprit++) {
      const { next, ran } = follow(40, (at) => at < culprit);
      expect(next).toEqual(found(culprit - 1));
      expect(ran.length).toBeLessThanOrEqual(6);
    }
  });

  test("of n tasks ⌈log2(n + 1)⌉ runs are enough, and ⌈log2(n − g)⌉ after a commit that is known to pass", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), fc.nat(), fc.nat(), (last, a, b) => {
        const culprit = 1 + (a % last);
        const any = follow(last, (at) => at < culprit);
        expect(any.next).toEqual(found(culprit - 1));
        expect(any.ran.length).toBeLessThanOrEqual(bits(last + 1));
        expect(new Set(any.ran).size).toBe(any.ran.length);

        const good = b % culprit;
        const before = new Map<number, Answers>([
          [last, { passed: 0, failed: 1 }],
          [good, { passed: 1, failed: 0 }],
        ]);
        const after = follow(last, (at) => at < culprit, { before });
        expect(after.next).toEqual(found(culprit - 1));
        expect(after.ran.length).toBeLessThanOrEqual(bits(last - good));
      }),
    );
  });

  test("nothing is run that is known already", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), fc.array(fc.nat(), { maxLength: 20 }), (last, a, some) => {
        const culprit = 1 + (a % last);
        const passes = (at: number) => at < culprit;
        const before = new Map(
          [last, ...some.map((each) => each % (last + 1))].map((at) => [
            at,
            passes(at) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 },
          ]),
        );
        const { next, ran } = follow(last, passes, { before });
        expect(next).toEqual(found(culprit - 1));
        expect(ran.filter((at) => before.has(at))).toEqual([]);
      }),
    );
  });
});

test("whatever the history is like: what is named fails after a commit that passes, and else nothing has passed", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 300 }), (history) => {
      const [last, all] = [history.length, [...history, false]];
      const { next, ran } = follow(last, (at) => all[at]!);
      if (next.kind === "found") expect([all[next.good], all[next.bad], next.bad - next.good]).toEqual([true, false, 1]);
      else {
        expect(next).toEqual({ kind: "none-passes", ran: [...new Set([...ran, last])].sort((a, b) => a - b) });
        expect(ran.every((at) => !all[at])).toBe(true);
      }
      expect(ran.length).toBeLessThanOrEqual(3 * bits(last + 1) + 1);
    }),
    { examples: [[[true, false, true, false, true]], [Array(300).fill(false)]] },
  );
});

test("a work that passes only late is found from the tip, not blamed on its first task", () => {
  // 30 tasks at which the work is not done yet, 8 good ones, and the culprit with one after it.
  const passes = (at: number) => at > 30 && at < 39;
  expect(follow(40, passes).next).toEqual(found(38));
  expect(follow(40, () => false).next.kind).toBe("none-passes");
});

describe("a commit that the captain calls good", () => {
  test("bounds the search, and is run itself before the next one is blamed", () => {
    const { next, ran } = follow(40, (at) => at < 36, { good: 35 });
    expect(next).toEqual(found(35));
    expect(ran).toEqual([37, 36, 35]);
  });
  test("and fails is told as such", () => {
    expect(follow(40, () => false, { good: 35 }).next).toEqual({ kind: "not-good", at: 35 });
  });
});

test("a commit with both answers ends the search, whatever else is known: no culprit is named", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(), fc.nat(), (last, a, b) => {
      const culprit = 1 + (a % last);
      const { known } = follow(last, (at) => at < culprit);
      const flaky = b % (last + 1);
      known.set(flaky, { passed: 1, failed: 1 });
      expect(nextStep(last, known)).toEqual({ kind: "flaky", at: flaky });
    }),
  );
});

test("a culprit and the commit before it are run once more, unless they were run twice", () => {
  const known = new Map<number, Answers>([
    [4, { passed: 1, failed: 0 }],
    [5, { passed: 0, failed: 2 }],
  ]);
  expect(onceMore({ good: 4, bad: 5 }, known)).toEqual([4]);
  expect(onceMore({ good: 4, bad: 5 }, new Map([...known, [4, { passed: 2, failed: 0 }]]))).toEqual([]);
});
