import {
  DuckDBArrayValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from "@duckdb/node-api";

/**
 * Writes a value of DuckDB as one of JSON. A whole number that JSON cannot hold is text, and so is what JSON has no
 * form for; a time is ISO 8601 in UTC; lists, structs and maps are lists and objects.
 */
export function plainValue(value: DuckDBValue): unknown {
  if (typeof value === "bigint") return isSafe(value) ? Number(value) : String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(plainValue);
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([key, of]) => [key, plainValue(of)]));
  if (value instanceof DuckDBMapValue)
    return Object.fromEntries(value.entries.map(({ key, value: of }) => [textOf(plainValue(key)), plainValue(of)]));
  if (value instanceof DuckDBDecimalValue) return decimal(value.toString());
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue)
    return time(value.micros) ?? value.toString();
  return value.toString();
}

const isSafe = (value: bigint) => value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
const textOf = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

/** A number, where that says all that the decimal does. */
const decimal = (text: string) => (text.replace(/\D/g, "").length <= 15 ? Number(text) : text);

/** The time as ISO 8601, with as many digits as it needs; undefined for infinity, and years beyond a date's. */
function time(micros: bigint): string | undefined {
  const millis = Number(micros / 1000n) - (micros % 1000n < 0n ? 1 : 0);
  if (Math.abs(millis) > 8.64e15) return undefined;
  const below = Number(((micros % 1000n) + 1000n) % 1000n);
  const iso = new Date(millis).toISOString();
  return below === 0 ? iso : `${iso.slice(0, -1)}${String(below).padStart(3, "0")}Z`;
}
