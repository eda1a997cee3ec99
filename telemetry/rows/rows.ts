import type { Row, Table } from "../../lib/telemetry/schema.ts";
import type { Sender } from "../../lib/telemetry/wire.ts";
import { logRow } from "./logs.ts";
import { metricRows } from "./metrics.ts";
import { type Around, aroundOf, each } from "./row.ts";
import { spanRow } from "./spans.ts";

/** The most rows that one request may bring. */
export const MOST_ROWS = 20_000;

/** The rows of a request's resources, and how many more it had than one may bring. */
export function rowsOf(table: Table, resources: unknown[], sender: Sender, cameAt: number): { rows: Row[]; tooMany: number } {
  const rows: Row[] = [];
  let tooMany = 0;
  let known: { resource: unknown; around: Around } | undefined;
  for (const { resource, element } of elementsOf(table, resources)) {
    if (rows.length >= MOST_ROWS && table !== "metrics") {
      tooMany += 1;
      continue;
    }
    if (!known || known.resource !== resource) known = { resource, around: aroundOf(resource, sender, cameAt) };
    for (const row of made(table, known.around, element)) {
      if (rows.length < MOST_ROWS) rows.push(row);
      else tooMany += 1;
    }
  }
  return { rows, tooMany };
}

function elementsOf(table: Table, resources: unknown[]) {
  if (table === "logs") return each(resources, "scopeLogs", "logRecords");
  return table === "metrics" ? each(resources, "scopeMetrics", "metrics") : each(resources, "scopeSpans", "spans");
}

function made(table: Table, around: Around, element: unknown): Iterable<Row> {
  if (table === "metrics") return metricRows(around, element);
  return [table === "logs" ? logRow(around, element) : spanRow(around, element)];
}
