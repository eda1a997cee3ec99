import type { Table } from "../../lib/telemetry/schema.ts";

/** The question to the reader, as JSON on its stdin. */
export type Question = {
  /** Questions in SQL, which are answered one after the other. */
  sql: string[];
  /** The folders of telemetry that the views read; they need not be there. */
  folders: string[];
  /** Rows for tables of the ledgers, by the name of the table. */
  rows: Record<LedgerTable, object[]>;
  memoryMiB: number;
  seconds: number;
};

/**
 * What the reader answers: lines of JSON. For each question they are columns, then rows; then, once, the end. Or an
 * error, at any time.
 */
export type Line =
  | { columns: { name: string; type: string }[] }
  | { rows: unknown[][] }
  | { end: { rows: number; files: Record<Table, number> } }
  | { error: { code: "SQL" | "NO_QUESTION" | "READS_ONLY" | "TOO_LONG" | "TOO_MUCH"; message: string } };

/**
 * The tables that are made of ledgers, and their columns with DuckDB's types. `voyage` is the voyage's id, as in the
 * telemetry.
 */
export const LEDGER_TABLES = {
  /** The voyages that are asked about. */
  voyages: { voyage: "VARCHAR", name: "VARCHAR", created_at: "TIMESTAMP", sunk_at: "TIMESTAMP", has_telemetry: "BOOLEAN" },
  /** A row for each run of a hand. */
  runs: {
    ...{ voyage: "VARCHAR", ship: "VARCHAR", task: "VARCHAR", epoch: "INTEGER", session: "VARCHAR", run: "VARCHAR" },
    ...{ at: "TIMESTAMP", cost_usd: "DOUBLE", basis: "VARCHAR", input_tokens: "BIGINT", output_tokens: "BIGINT" },
    ...{ cache_read_tokens: "BIGINT", cache_creation_tokens: "BIGINT", turns: "BIGINT", seconds: "DOUBLE" },
  },
  /** The same by models, with what became of it. */
  spend: {
    ...{ voyage: "VARCHAR", ship: "VARCHAR", task: "VARCHAR", epoch: "INTEGER", session: "VARCHAR", run: "VARCHAR" },
    ...{ at: "TIMESTAMP", model: "VARCHAR", cost_usd: "DOUBLE", basis: "VARCHAR", input_tokens: "BIGINT" },
    ...{ output_tokens: "BIGINT", cache_read_tokens: "BIGINT", cache_creation_tokens: "BIGINT" },
    ...{ outcome: "VARCHAR", thrown_away: "BOOLEAN", reason: "VARCHAR" },
  },
  /** A row for each task. */
  tasks: {
    ...{ voyage: "VARCHAR", task: "VARCHAR", subject: "VARCHAR", status: "VARCHAR", verified: "BOOLEAN", ship: "VARCHAR" },
    ...{ epoch: "INTEGER", tries: "INTEGER", commit_id: "VARCHAR", reason: "VARCHAR", changed_at: "TIMESTAMP" },
  },
  /** What happened; `data` is JSON. */
  events: {
    ...{ voyage: "VARCHAR", seq: "BIGINT", at: "TIMESTAMP", kind: "VARCHAR", task: "VARCHAR", ship: "VARCHAR" },
    ...{ epoch: "INTEGER", reason: "VARCHAR", data: "VARCHAR" },
  },
} as const;
export type LedgerTable = keyof typeof LEDGER_TABLES;
