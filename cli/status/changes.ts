import type { TaskRow } from "../../lib/protocol/status.ts";
import type { Attention, ShipView, StatusView } from "../../lib/watch/view.ts";

/** What `ocaptain watch --json` says of one change (docs/watching.md#as-a-stream). */
export type Change =
  | { type: "voyage"; set: Partial<StatusView> }
  | { type: "ship"; ship: ShipView }
  | { type: "ship-gone"; ship: string }
  | { type: "task"; task: TaskRow }
  | { type: "needs-you"; count: number; begun: Attention }
  | { type: "needs-you"; count: number; ended: string };

/** The fields of a view that are told as rows, and those that go on like a clock. */
const ROWS = new Set(["ships", "taskRows", "attention"]);
const CLOCKS = new Set(["asOf", "from"]);
/** What of a ship's row only ticks: how long ago it was heard of, and what it has spent so far. */
const TICKS = new Set(["knownBy", "factAt", "usage"]);

/** All that has changed from one look at a voyage to the next, but for what only ticks. */
export function changesBetween(before: StatusView, now: StatusView): Change[] {
  const names = Object.keys(now) as (keyof StatusView)[];
  const fields = names.filter((name) => !ROWS.has(name) && !CLOCKS.has(name) && textOf(before[name]) !== textOf(now[name]));
  const ships = new Map(before.ships.map((row) => [row.ship, textOf(row)]));
  const tasks = new Map(before.taskRows.map((row) => [row.id, textOf(row)]));
  const needed = new Set(before.attention.map(({ id }) => id));
  const needs = new Set(now.attention.map(({ id }) => id));
  const count = now.attention.length;
  return [
    ...(fields.length > 0 ? [{ type: "voyage" as const, set: Object.fromEntries(fields.map((name) => [name, now[name]])) }] : []),
    ...now.taskRows.filter((row) => tasks.get(row.id) !== textOf(row)).map((task) => ({ type: "task" as const, task })),
    ...now.ships.filter((row) => ships.get(row.ship) !== textOf(row)).map((ship) => ({ type: "ship" as const, ship })),
    ...before.ships
      .filter(({ ship }) => !now.ships.some((row) => row.ship === ship))
      .map(({ ship }) => ({ type: "ship-gone" as const, ship })),
    ...before.attention.filter(({ id }) => !needs.has(id)).map(({ id }) => ({ type: "needs-you" as const, count, ended: id })),
    ...now.attention.filter(({ id }) => !needed.has(id)).map((begun) => ({ type: "needs-you" as const, count, begun })),
  ];
}

const textOf = (value: unknown) => JSON.stringify(value, (key, inner) => (TICKS.has(key) ? undefined : inner));
