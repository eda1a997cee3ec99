import type { PageView, RowChange, ViewChange } from "../../lib/watch/page-api.ts";

/** One look at a voyage, as later looks are compared with it: each of its parts as JSON. */
export type Look = {
  view: PageView;
  fields: ReadonlyMap<string, string>;
  ships: ReadonlyMap<string, string>;
  taskRows: ReadonlyMap<string, string>;
};

/** The fields that change at each look: they are sent only beside others. */
const CLOCKS = new Set(["asOf"]);
/** A text that says how long ago something was: as long as nothing else is new, the page counts on by itself. */
const AGES = /\b\d+ (?:s|min|h) ago\b/g;

export function lookOf(view: PageView): Look {
  const { ships, taskRows, ...fields } = view;
  return {
    view,
    fields: new Map(Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value) ?? "null"])),
    ships: new Map(rowsOf(ships).map((row) => [String(row.ship), JSON.stringify(row)])),
    taskRows: new Map(taskRows.map((row) => [row.id, JSON.stringify(row)])),
  };
}

/** What is new since an earlier look at the same voyage; null when that is nothing but time. */
export function changeBetween(before: Look, now: Look): ViewChange | null {
  const { fields } = now;
  const names = new Set([...before.fields.keys(), ...fields.keys()]);
  const changed = [...names].filter((name) => !isSameText(before.fields.get(name), fields.get(name)));
  const byName = new Map(rowsOf(now.view.ships).map((row) => [row.ship, row]));
  const ships = changeOfRows(before.ships, now.ships, (name) => byName.get(name)!);
  const byId = new Map(now.view.taskRows.map((row) => [row.id, row]));
  const taskRows = changeOfRows(before.taskRows, now.taskRows, (id) => byId.get(id)!);
  if (!ships && !taskRows && changed.every((name) => CLOCKS.has(name))) return null;
  const view = now.view as Record<string, unknown>;
  return {
    voyage: String(view.id),
    set: Object.fromEntries([...new Set([...changed, ...CLOCKS])].map((name) => [name, view[name] ?? null])),
    ...(ships && { ships }),
    ...(taskRows && { taskRows }),
  };
}

function changeOfRows<R>(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
  row: (name: string) => R,
): RowChange<R> | null {
  const rows = [...now].filter(([name, text]) => !isSameText(before.get(name), text)).map(([name]) => row(name));
  const gone = [...before.keys()].filter((name) => !now.has(name));
  if (rows.length === 0 && gone.length === 0) return null;
  const expected = [
    ...[...before.keys()].filter((name) => now.has(name)),
    ...[...now.keys()].filter((name) => !before.has(name)),
  ];
  const order = [...now.keys()];
  return { rows, gone, ...(order.some((name, index) => name !== expected[index]) && { order }) };
}

const isSameText = (before: string | undefined, now: string | undefined) =>
  before === now || (before !== undefined && before.replace(AGES, "") === now?.replace(AGES, ""));

const rowsOf = (ships: unknown) => (ships ?? []) as ({ ship: string } & Record<string, unknown>)[];
