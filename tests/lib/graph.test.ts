import fc from "fast-check";
import { expect, test } from "vitest";
import { findCycles, type Node, topologicalOrder } from "../../lib/plan/graph.ts";
import { graphWidth } from "../../lib/plan/width.ts";

const node = (id: number, ...blockedBy: number[]): Node => ({ id: String(id), blockedBy: blockedBy.map(String) });

/** Any graph without circles of up to `most` tasks, whose ids are dealt out anew so that their order says nothing. */
const dags = (most: number) =>
  fc
    .integer({ min: 1, max: most })
    .chain((size) =>
      fc
        .tuple(
          fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { minLength: size, maxLength: size * 4, size: "max" }),
          fc.shuffledSubarray([...Array(size).keys()], { minLength: size }),
        )
        .map(([pairs, ids]) =>
          ids.map((id, place) =>
            node(id + 1, ...new Set(pairs.filter(([a, b]) => b === place && a < b).map(([a]) => (ids[a] ?? 0) + 1))),
          ),
        ),
    );

/** Finds for each task all that it waits for, directly or not, by plain search. */
function ancestors(nodes: readonly Node[]): Map<string, Set<string>> {
  const blockers = new Map(nodes.map(({ id, blockedBy }) => [id, blockedBy]));
  return new Map(
    nodes.map(({ id }) => {
      const found = new Set<string>();
      const open = [id];
      for (let at = open.pop(); at !== undefined; at = open.pop())
        for (const blocker of blockers.get(at) ?? []) if (!found.has(blocker)) open.push(blocker) && found.add(blocker);
      return [id, found];
    }),
  );
}

function widthByTryingAll(nodes: readonly Node[]): number {
  const above = ancestors(nodes);
  let most = 0;
  for (let set = 0; set < 1 << nodes.length; set++) {
    const chosen = nodes.filter((_, i) => set & (1 << i));
    if (chosen.length <= most) continue;
    if (chosen.every((a) => chosen.every((b) => !above.get(a.id)?.has(b.id)))) most = chosen.length;
  }
  return most;
}

test("an order holds every task once, each after all that block it", () => {
  fc.assert(
    fc.property(dags(40), (nodes) => {
      const order = topologicalOrder(nodes);
      expect([...order].sort()).toEqual(nodes.map(({ id }) => id).sort());
      const place = new Map(order.map((id, i) => [id, i]));
      for (const { id, blockedBy } of nodes)
        for (const blocker of blockedBy) expect(place.get(blocker)).toBeLessThan(place.get(id) ?? -1);
    }),
  );
});

test("a graph that can be worked off never has a cycle", () => {
  fc.assert(fc.property(dags(40), (nodes) => void expect(findCycles(nodes)).toEqual([])));
});

test("an edge back makes a cycle, and each cycle told is one", () => {
  fc.assert(
    fc.property(dags(30), fc.nat(), fc.nat(), (nodes, pick, length) => {
      const above = ancestors(nodes);
      const waiting = nodes.filter(({ id }) => (above.get(id)?.size ?? 0) > 0);
      fc.pre(waiting.length > 0);
      const last = waiting[pick % waiting.length] as Node;
      const first = [...(above.get(last.id) ?? [])][length % (above.get(last.id)?.size ?? 1)];
      const looped = nodes.map((at) => (at.id === first ? { ...at, blockedBy: [...at.blockedBy, last.id] } : at));
      const cycles = findCycles(looped);
      expect(cycles.length).toBeGreaterThan(0);
      for (const cycle of cycles)
        for (const [i, id] of cycle.entries())
          expect(looped.find((at) => at.id === cycle[(i + 1) % cycle.length])?.blockedBy).toContain(id);
      expect(() => topologicalOrder(looped)).toThrow(/→/);
    }),
  );
});

test("cycles are told in the direction of blocks, smallest id first, one for each knot", () => {
  expect(findCycles([node(3, 2), node(1, 3), node(2, 1), node(4, 3), node(10, 11), node(11, 10), node(12, 12)])).toEqual([
    ["1", "2", "3"],
    ["10", "11"],
    ["12"],
  ]);
  // The first blocker of 3 leads away from 3 ⇄ 4: it must be found all the same.
  expect(findCycles([node(1, 2), node(2, 1), node(3, 1, 4), node(4, 3)])).toEqual([
    ["1", "2"],
    ["3", "4"],
  ]);
});

test("width is that of trying every set, on small graphs", () => {
  fc.assert(
    fc.property(dags(10), (nodes) => void expect(graphWidth(nodes)).toBe(widthByTryingAll(nodes))),
    { numRuns: 200 },
  );
});

test("width is at least that of the widest layer, and tasks ≤ width × layers", () => {
  fc.assert(
    fc.property(dags(60), (nodes) => {
      const depth = new Map<string, number>();
      const blockers = new Map(nodes.map(({ id, blockedBy }) => [id, blockedBy]));
      for (const id of topologicalOrder(nodes))
        depth.set(id, 1 + Math.max(0, ...(blockers.get(id) ?? []).map((blocker) => depth.get(blocker) ?? 0)));
      const layers = Object.values(Object.groupBy([...depth.values()], String)).map((layer) => layer?.length ?? 0);
      expect(graphWidth(nodes)).toBeGreaterThanOrEqual(Math.max(...layers));
      expect(nodes.length).toBeLessThanOrEqual(graphWidth(nodes) * layers.length);
    }),
  );
});

test.each([
  ["none", [], 0],
  ["one", [node(1)], 1],
  ["a chain", [node(1), node(2, 1), node(3, 2)], 1],
  ["fan-out and fan-in", [node(1), node(2, 1), node(3, 1), node(4, 1), node(5, 2, 3, 4)], 3],
  // The layers have 2, 2 and 1 tasks, but 3, 4 and 5 wait for none of each other.
  ["wider than its widest layer", [node(1), node(2), node(3, 1), node(5, 1), node(4, 2)], 3],
  ["two paths that cross in one task", [node(1), node(2), node(3, 1, 2), node(4, 3), node(5, 3)], 2],
] as const)("width of %s", (_name, nodes, width) => expect(graphWidth(nodes)).toBe(width));

test("10,000 tasks in a chain, free, and as ladders are measured, within the time of a test", () => {
  const many = (blockers: (i: number) => number[]) => Array.from({ length: 10_000 }, (_, i) => node(i + 1, ...blockers(i)));
  expect(graphWidth(many((i) => (i ? [i] : [])))).toBe(1);
  expect(graphWidth(many(() => []))).toBe(10_000);
  const ladder = many((i) => (i > 1 ? [i - 1, i - (i % 2)] : []).filter((id) => id <= i && id > 0));
  expect(graphWidth(ladder)).toBeLessThanOrEqual(2);
  // The way by which one match is gained is as long as this ladder.
  expect(graphWidth(many((i) => (i > 1 ? [i - 1, i] : [])))).toBeLessThanOrEqual(2);
});
