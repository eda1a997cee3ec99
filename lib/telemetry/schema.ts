/**
 * The tables in which telemetry is kept, and the columns that each of them has. A table is the folder
 * `<telemetry>/<table>/day=YYYY-MM-DD/` of Parquet files, where the day is that of `time`, in UTC. Readers get the
 * day as a further column where they read the folders as Hive's (docs/telemetry.md).
 */
export const TABLES = ["logs", "metrics", "spans"] as const;
export type Table = (typeof TABLES)[number];

/**
 * The columns, in their order, with DuckDB's types. All tables have all of them; each may be null. Who sent a row
 * (voyage, ship, task, epoch) is what the helm knows of the sender, and never what the row says of itself.
 */
export const COLUMNS = {
  /** When it happened, in UTC; for a span, when it began. It is when the row came where its own time cannot be true. */
  time: "TIMESTAMP",
  /** The id of the voyage; null for programs of the captain that are on no ship. */
  voyage: "VARCHAR",
  ship: "VARCHAR",
  /** The task that the ship held as it sent the row, and the epoch of its claim; null when it held none. */
  task: "VARCHAR",
  epoch: "INTEGER",
  /** The session of the program that sent it (`session.id`). */
  session: "VARCHAR",
  /** The program that sent it (`service.name`). */
  service: "VARCHAR",
  /** The name of the event, metric or span: `claude_code.api_request`. */
  name: "VARCHAR",
  /**
   * The text of a log record; of a metric, as JSON, its kind and what `value` does not say (temporality, buckets); of a
   * span, as JSON, its events and links.
   */
  body: "VARCHAR",
  severity: "VARCHAR",
  /** The value of a metric; of a histogram, its sum. */
  value: "DOUBLE",
  unit: "VARCHAR",
  /** Ids in hexadecimal. */
  trace_id: "VARCHAR",
  span_id: "VARCHAR",
  parent_span_id: "VARCHAR",
  duration_ms: "DOUBLE",
  /** `ok` or `error`, where the row tells it. */
  status: "VARCHAR",
  model: "VARCHAR",
  tool: "VARCHAR",
  /** What log records and spans tell of one answer of a model; the metrics tell the same again, in `value`. */
  cost_usd: "DOUBLE",
  input_tokens: "BIGINT",
  output_tokens: "BIGINT",
  cache_read_tokens: "BIGINT",
  cache_creation_tokens: "BIGINT",
  /** All attributes of the row, and of the resource that sent it, as JSON objects. */
  attributes: "VARCHAR",
  resource: "VARCHAR",
} as const;

export type Column = keyof typeof COLUMNS;

type ValueOf = { TIMESTAMP: bigint; VARCHAR: string; INTEGER: number; DOUBLE: number; BIGINT: bigint };
/** A row, as it is stored. `time` is in microseconds since 1970. */
export type Row = { [Name in Column]: ValueOf[(typeof COLUMNS)[Name]] | null };
