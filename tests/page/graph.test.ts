import { expect, test } from "vitest";
import { layerLayout } from "../../web/graph/layers.ts";
import { criticalRest, FOLD, inOrder, shapeGraph } from "../../web/graph/shape.ts";
import { forecast, spendOverTime } from "../../web/sections/forecast.ts";
import { changedRows } from "../../web/state/apply-change.ts";

/** What the page works out without a browser. */
type Row = Parameters<typeof forecast>[0][number];
const row = (
  id: string,
  blockedBy: string[],
  status: Row["status"] = "pending",
  costUsd = 0,
  changedAt = "2026-01-01T10:00:00Z",
) => ({ id, subject: id, status, blockedBy, changedAt, usage: costUsd ? { costUsd } : undefined }) as unknown as Row;
const ALL = { foldsDone: false, collapsed: new Set<string>(), only: null };

test("what is done is folded into one node, but for what something still waits for; it never waits for anything", () => {
  const rows = [row("1", [], "accepted"), row("2", ["1"], "accepted"), row("3", ["2"], "accepted"), row("4", ["3", "1"])];
  rows.push(row("5", ["2"], "accepted"), row("6", ["5"], "accepted"));
  const graph = shapeGraph(rows, { ...ALL, foldsDone: true });
  expect(graph.nodes).toEqual([FOLD, "1", "3", "4"]);
  expect(graph.folded).toBe(3);
  expect(graph.edges.toSorted()).toEqual(
    [
      ["1", "4"],
      ["3", "4"],
      [FOLD, "3"],
    ].toSorted(),
  );
  expect(graph.edges.some(([, to]) => to === FOLD)).toBe(false);
});

test("behind a collapsed task is hidden what waits for it alone, near and far", () => {
  const rows = [row("1", []), row("2", ["1"]), row("3", ["2"]), row("4", []), row("5", ["3", "4"])];
  const graph = shapeGraph(rows, { ...ALL, collapsed: new Set(["1"]) });
  expect(graph.nodes).toEqual(["1", "4", "5"]);
  expect(graph.hidden).toEqual(new Map([["1", 2]]));
});

test("one task's chain is what it waits for and what waits for it", () => {
  const rows = [row("1", []), row("2", ["1"]), row("3", ["2"]), row("4", ["1"]), row("5", [])];
  expect(shapeGraph(rows, { ...ALL, only: "2" }).nodes).toEqual(["1", "2", "3"]);
});

test("the critical path is the longest chain of what is not done", () => {
  const rows = [row("1", [], "accepted"), row("2", ["1"]), row("3", ["2"]), row("4", []), row("5", ["3", "4"]), row("6", ["4"])];
  expect(criticalRest(rows)).toEqual(["2", "3", "5"]);
  expect(criticalRest([row("1", [], "accepted")])).toEqual([]);
});

test("the plain layout puts blockers left of what waits for them, and no two nodes in one place", () => {
  const rows = Array.from({ length: 600 }, (_, index) =>
    row(String(index), index < 40 ? [] : [String(index - 40), String((index * 7) % 40)]),
  );
  const graph = shapeGraph(rows, ALL);
  const layout = layerLayout(graph, { width: 148, height: 40, gapX: 60, gapY: 8 });
  expect(new Set([...layout.at.values()].map(String)).size).toBe(600);
  for (const [from, to] of graph.edges) expect(layout.at.get(from)![0]).toBeLessThan(layout.at.get(to)![0]);
  expect(inOrder([row("2", ["1"]), row("1", [])]).map(({ id }) => id)).toEqual(["1", "2"]);
});

test("the spend over time is what tasks have used, and the forecast what those that are left will use", () => {
  const start = Date.parse("2026-01-01T09:00:00Z");
  const now = Date.parse("2026-01-01T11:00:00Z");
  const rows = [
    row("1", [], "accepted", 2),
    row("2", [], "accepted", 4, "2026-01-01T10:30:00Z"),
    row("3", []),
    row("4", [], "claimed", 1),
  ];
  const points = spendOverTime(rows, 7.5, start, now);
  expect(points.map(({ usd }) => usd)).toEqual([0.5, 2.5, 6.5, 7.5]);
  const expected = forecast(rows, { costUsd: 7.5, budgetUsd: 10 }, points, now)!;
  expect(expected.totalUsd).toBeCloseTo(7.5 + 3 + 2);
  expect(expected.budgetAt).toBeCloseTo(now + (2.5 / 7.5) * (now - start));
  expect(forecast(rows.slice(0, 1), { costUsd: 2, budgetUsd: null }, points, now), "too little is done").toBeNull();
});

test("changed rows take the places that the change names", () => {
  const rows = [
    { id: "a", n: 1 },
    { id: "b", n: 1 },
  ];
  const keyOf = ({ id }: { id: string }) => id;
  expect(
    changedRows(
      rows,
      {
        rows: [
          { id: "c", n: 2 },
          { id: "a", n: 2 },
        ],
        gone: ["b"],
        order: ["c", "a"],
      },
      keyOf,
    ),
  ).toEqual([
    { id: "c", n: 2 },
    { id: "a", n: 2 },
  ]);
});
