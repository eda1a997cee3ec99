import { plainJson } from "../../lib/base/text.ts";
import type { Io } from "../output/io.ts";
import { table } from "../output/table.ts";
import type { Column, Taker } from "./ask.ts";
import { csvRow } from "./csv.ts";

/** The most rows that a table for people shows. */
const MOST_SHOWN = 1_000;
/** The least columns of a terminal that a column of a table is worth reading in. */
const LEAST_COLUMNS = 7;

/** How an answer is written: for people, as CSV, or as JSON. */
export type Form = "table" | "csv" | "json";

/** Takes an answer and writes it to stdout; `end` writes what is left. */
export function writer(form: Form, io: Io): Taker & { end(rows: number): void } {
  return form === "table" ? asTable(io) : form === "csv" ? asCsv(io) : asJson(io);
}

function asCsv(io: Io): ReturnType<typeof writer> {
  return {
    columns: (columns) => io.data(csvRow(columns.map(({ name }) => name))),
    rows: (rows) => io.data(rows.map(csvRow).join("")),
    end: () => {},
  };
}

/** One list of objects, each on a line of its own. */
function asJson(io: Io): ReturnType<typeof writer> {
  let columns: readonly Column[] = [];
  let isFirst = true;
  return {
    columns: (told) => {
      columns = told;
    },
    rows: (rows) => {
      for (const row of rows) {
        io.data(`${isFirst ? "[" : ","}\n${plainJson(objectOf(columns, row))}`);
        isFirst = false;
      }
    },
    end: () => io.data(isFirst ? "[]\n" : "\n]\n"),
  };
}

/** A row by the names of its columns. What DuckDB calls JSON is taken out of its text. */
export const objectOf = (columns: readonly Column[], row: readonly unknown[]): Record<string, unknown> =>
  Object.fromEntries(columns.map(({ name, type }, at) => [name, type === "JSON" ? parsed(row[at]) : row[at]]));

function parsed(value: unknown): unknown {
  try {
    return typeof value === "string" ? JSON.parse(value) : value;
  } catch {
    return value;
  }
}

function asTable(io: Io): ReturnType<typeof writer> {
  let columns: readonly Column[] = [];
  const shown: string[][] = [];
  return {
    columns: (told) => {
      columns = told;
    },
    rows: (rows) => {
      for (const row of rows) if (shown.length < MOST_SHOWN) shown.push(row.map(cellText));
    },
    end: (count) => {
      const names = columns.map(({ name }) => name);
      if (count === 0) return;
      const isNarrow = io.columns !== undefined && names.length > 1 && names.length * LEAST_COLUMNS > io.columns;
      const lines = isNarrow
        ? shown.flatMap((row, index) => [`-- row ${index + 1}`, ...row.map((text, at) => `${names[at]}: ${text}`)])
        : table(
            names,
            shown.map((row) => row.map((text) => ({ text }))),
            io.columns,
          );
      io.out(lines.join("\n"));
      if (count > shown.length) io.note(`${shown.length} of ${count} rows are shown; --csv and --json have all`);
    },
  };
}

/** A value in a table; NULL where there is none, as an empty text is not the same. */
const cellText = (value: unknown) =>
  value === null ? "NULL" : typeof value === "object" ? plainJson(value) : String(value).replaceAll("\n", " ");
