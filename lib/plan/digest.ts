import { createHash } from "node:crypto";

/**
 * Writes a value as JSON with sorted keys and no spaces, so that equal values give equal text, however they were made.
 * Keys whose value is undefined are left out, as in any JSON.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (isRecord(inner) ? sorted(inner) : inner));
}

/** Computes the sha256 of a value's canonical JSON, as 64 hex digits. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

// The copy has no prototype, because `__proto__` is a key like any other in JSON.
function sorted(record: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(record).sort()) result[key] = record[key];
  return result;
}
