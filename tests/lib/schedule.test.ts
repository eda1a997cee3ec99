import fc from "fast-check";
import { expect, test } from "vitest";
import { criticalPath } from "../../lib/plan/critical-path.ts";
import { estimatesOf } from "../../lib/plan/estimates.ts";
import { byId, heightsOf } from "../../lib/plan/graph.ts";
import { makespanOf, simulate, type TimedNode } from "../../lib/plan/schedule.ts";
import { touchesOverlap } from "../../lib/plan/touches.ts";
import { WORTH, worthwhile } from "../../lib/plan/worthwhile.ts";

/** What a task may say that it touches: much of it overlaps. */
const touched = fc.array(fc.constantFrom("a/x.ts", "a/*", "b/**", "**/x.ts", "c"), { maxLength: 2 });
/** Any plan of up to 40 tasks whose lengths are whole, so that sums are exact. */
const plans = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.array(fc.nat(39), { maxLength: 4 }), touched), {
    ...{ minLength: 1, maxLength: 40 },
  })
  .map((tasks) =>
    tasks.map(([length, blockers, touches], i): TimedNode => {
      const before = [...new Set(blockers.filter((other) => other < i))];
      return { id: String(i + 1), length, blockedBy: before.map((other) => String(other + 1)), touches };
    }),
  );
const ships = fc.integer({ min: 1, max: 12 });
const workOf = (nodes: readonly TimedNode[]) => nodes.reduce((sum, { length }) => sum + length, 0);
function pathOf(nodes: readonly TimedNode[]): number {
  const lengths = new Map(nodes.map(({ id, length }) => [id, length]));
  return criticalPath(nodes, (id) => lengths.get(id)!).reduce((sum, id) => sum + lengths.get(id)!, 0);
}

test("each task has one turn, after all that block it, and no ship has two tasks at a time", () => {
  fc.assert(
    fc.property(plans, ships, (nodes, count) => {
      const turns = simulate(nodes, count);
      expect(turns.map(({ id }) => Number(id)).sort((a, b) => a - b)).toEqual(nodes.map(({ id }) => Number(id)));
      const byTask = new Map(turns.map((turn) => [turn.id, turn]));
      for (const { id, blockedBy, length } of nodes) {
        const { start, end } = byTask.get(id)!;
        expect(end - start).toBe(length);
        for (const blocker of blockedBy) expect(byTask.get(blocker)!.end).toBeLessThanOrEqual(start);
      }
      for (const [i, a] of turns.entries())
        for (const b of turns.slice(i + 1)) expect(a.ship === b.ship && a.start < b.end && b.start < a.end).toBe(false);
      expect(Math.max(...turns.map(({ ship }) => ship))).toBeLessThan(count);
    }),
  );
});

test("a voyage takes no less than its critical path and its share of the work, and no more than Graham's bound", () => {
  fc.assert(
    fc.property(plans, ships, (nodes, count) => {
      const makespan = makespanOf(simulate(nodes, count));
      const optimum = Math.max(pathOf(nodes), workOf(nodes) / count);
      expect(makespan).toBeGreaterThanOrEqual(optimum);
      expect(makespan).toBeLessThanOrEqual((2 - 1 / count) * optimum + 1e-9);
    }),
  );
});

test("a further ship may make a voyage longer, by the known anomaly of list scheduling alone: by less than that bound", () => {
  fc.assert(
    fc.property(plans, ships, (nodes, count) => {
      const [fewer, more] = [simulate(nodes, count), simulate(nodes, count + 1)].map(makespanOf);
      expect(more).toBeLessThanOrEqual((2 - 1 / (count + 1)) * fewer!);
    }),
  );
});

test("the same plan has the same turns, in whatever order its tasks are listed", () => {
  fc.assert(
    fc.property(
      plans.chain((nodes) => fc.tuple(fc.constant(nodes), fc.shuffledSubarray(nodes, { minLength: nodes.length }))),
      ships,
      ([nodes, shuffled], count) => {
        expect(simulate(shuffled, count)).toEqual(simulate(nodes, count));
      },
    ),
  );
});

test("each grant is the one of the helm: the highest free task that overlaps with none at work, else the highest free one", () => {
  fc.assert(
    fc.property(plans, ships, (nodes, count) => {
      const turns = simulate(nodes, count);
      const heights = heightsOf(nodes);
      const known = new Map(nodes.map((node) => [node.id, node]));
      const ends = new Map(turns.map(({ id, end }) => [id, end]));
      for (const [i, { id, start }] of turns.entries()) {
        const granted = new Set(turns.slice(0, i).map((turn) => turn.id));
        const isDone = (other: string) => granted.has(other) && ends.get(other)! <= start;
        const atWork = [...granted].filter((other) => !isDone(other)).map((other) => known.get(other)!.touches!);
        const free = nodes
          .filter((node) => !granted.has(node.id) && node.blockedBy.every(isDone))
          .sort((a, b) => heights.get(b.id)! - heights.get(a.id)! || byId(a.id, b.id));
        const clear = free.filter(({ touches }) => !atWork.some((other) => touchesOverlap(touches!, other)));
        expect(id).toBe((clear[0] ?? free[0])!.id);
      }
    }),
  );
});

test("3,000 tasks that all write one file, or a folder each, are simulated within the time of a test; too much is left out", () => {
  const many = (touches: (i: number) => string[]) =>
    Array.from({ length: 3_000 }, (_, i) => ({ id: String(i + 1), length: 1, blockedBy: [], touches: touches(i) }));
  for (const touches of [() => ["README.md"], (i: number) => [`src/${i}/**`]])
    expect(worthwhile(many(touches))).toMatchObject({ ships: 20, followsTouches: true });
  expect(worthwhile(many((i) => [`**/${i}`]))).toMatchObject({ ships: 20, followsTouches: false });
});

test("the recommended number is the smallest past which no number of ships gains 5 % a ship, as trying all of them tells", () => {
  fc.assert(
    fc.property(plans, (nodes) => {
      const { ships: found, makespans, least } = worthwhile(nodes);
      const all = nodes.map((_, i) => makespanOf(simulate(nodes, i + 1)));
      expect(all.slice(0, makespans.length)).toEqual(makespans);
      expect(least).toBe(pathOf(nodes));
      const gains = (from: number) =>
        all.some((time, i) => i + 1 > from && time <= all[from - 1]! * (1 - WORTH) ** (i + 1 - from));
      expect(gains(found)).toBe(false);
      for (let fewer = 1; fewer < found; fewer++) expect([fewer, gains(fewer)]).toEqual([fewer, true]);
    }),
  );
});

const equal = (count: number, blockedBy: string[] = []): TimedNode[] =>
  Array.from({ length: count }, (_, i) => ({ id: String(i + 1), length: 1, blockedBy }));

test("free tasks are worth a ship each while they are few; a chain is worth one; none is worth none", () => {
  expect(worthwhile(equal(8)).ships).toBe(8);
  expect(worthwhile(equal(100)).ships).toBe(20);
  expect(worthwhile(equal(6).map((node, i) => ({ ...node, blockedBy: i > 0 ? [String(i)] : [] }))).ships).toBe(1);
  expect(worthwhile([])).toEqual({ ships: 0, makespans: [], least: 0, followsTouches: true });
});

test("a ship is granted first what most tasks wait for, and then the smallest id", () => {
  const nodes = [
    { id: "1", length: 1, blockedBy: [] },
    { id: "2", length: 1, blockedBy: [] },
    { id: "3", length: 1, blockedBy: ["2"] },
    { id: "10", length: 1, blockedBy: [] },
  ];
  expect(simulate(nodes, 1).map(({ id }) => id)).toEqual(["2", "1", "3", "10"]);
});

test("the critical path is by lengths where there are some", () => {
  const nodes = [
    { id: "1", length: 1, blockedBy: [] },
    { id: "2", length: 1, blockedBy: ["1"] },
    { id: "3", length: 9, blockedBy: [] },
  ];
  expect(criticalPath(nodes)).toEqual(["1", "2"]);
  expect(criticalPath(nodes, (id) => nodes.find((node) => node.id === id)!.length)).toEqual(["3"]);
});

test("a task's length is its own estimate, else that of earlier voyages, else the plan's median, else one for each", () => {
  const task = (id: string, estimateMinutes?: number) => ({
    ...{ id, subject: id, description: "", blocks: [], blockedBy: [] },
    metadata: estimateMinutes === undefined ? {} : { estimateMinutes },
  });
  const mixed = [task("1", 10), task("2"), task("3", 30)];
  expect(estimatesOf(mixed)).toEqual({
    lengths: new Map([
      ["1", 10],
      ["2", 20],
      ["3", 30],
    ]),
    estimated: "some",
    others: "median",
  });
  expect(estimatesOf(mixed, 7)).toMatchObject({
    lengths: new Map([
      ["1", 10],
      ["2", 7],
      ["3", 30],
    ]),
    others: "earlier",
  });
  expect(estimatesOf([task("1")])).toEqual({ lengths: new Map([["1", 1]]), estimated: "none", others: "equal" });
  expect(estimatesOf([task("1", 5)])).toMatchObject({ estimated: "plan" });
});
