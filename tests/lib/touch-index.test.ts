import fc from "fast-check";
import { expect, test } from "vitest";
import { TouchIndex } from "../../lib/plan/touch-index.ts";
import { touchesOverlap } from "../../lib/plan/touches.ts";

const globArb = fc
  .array(fc.constantFrom("a", "b", "*", "**", "?", "b*", "x.ts", "*.ts"), { minLength: 1, maxLength: 4 })
  .map((names) => names.join("/"));
const touchesArb = fc.uniqueArray(globArb, { maxLength: 4 });

test("the index finds the lists that overlap, and no others", () => {
  fc.assert(
    fc.property(fc.array(touchesArb, { maxLength: 20 }), touchesArb, (lists, wanted) => {
      const index = new TouchIndex<number>();
      for (const [at, touches] of lists.entries()) index.add(touches, at);
      const found = [...index.overlapping(wanted)].sort((a, b) => a - b);
      expect(found).toEqual([...lists.keys()].filter((at) => touchesOverlap(lists[at]!, wanted)));
    }),
    { numRuns: 500 },
  );
});

test("globs with nothing in common at their beginning are not compared", () => {
  const index = new TouchIndex<number>();
  for (let at = 0; at < 1000; at++) index.add([`src/m${at}/**`, `doc/${at}.md`], at);
  expect([...index.overlapping(["src/m7/**/*.ts", "doc/8.md"], { left: 2 })]).toEqual([7, 8]);
  // What is not compared any more is not found.
  const bound = { left: 10 };
  expect([index.overlapping(["**"], bound).size, bound.left]).toEqual([10, -1]);
});
