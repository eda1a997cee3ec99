import { createHash } from "node:crypto";

/**
 * JSON with sorted keys and no spaces: equal values give equal text, however they were made.
 * Keys whose value is undefined are left out, as JSON does.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (isRecord(inner) ? sorted(inner) : inner));
}

/** sha256 over the canonical JSON, 64 hex digits. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

// A null prototype, because `__proto__` is a key like others in JSON.
function sorted(record: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(record).sort()) result[key] = record[key];
  return result;
}
