import type { RowChange, ViewChange } from "../../lib/watch/page-api.ts";
import type { View } from "./model.ts";

/** The rows after a change: replaced, taken out, and in the order that it names. */
export function changedRows<Row>(rows: readonly Row[], change: RowChange<Row>, keyOf: (row: Row) => string): Row[] {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  for (const row of change.rows) byKey.set(keyOf(row), row);
  for (const key of change.gone) byKey.delete(key);
  if (!change.order) return [...byKey.values()];
  return change.order.flatMap((key) => byKey.get(key) ?? []);
}

/** The view after a change. */
export function changedView(view: View, { set, ships, taskRows }: ViewChange): View {
  return {
    ...view,
    ...(set as Partial<View>),
    ...(ships && { ships: changedRows(view.ships, ships as RowChange<View["ships"][number]>, (row) => row.ship) }),
    ...(taskRows && { taskRows: changedRows(view.taskRows, taskRows, (row) => row.id) }),
  };
}
