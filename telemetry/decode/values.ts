// What OTLP's values are, whether they came as JSON or as protobuf: there 64-bit numbers are Longs, and ids bytes. All
// of it is a stranger's: what does not fit is null, or nothing.

/** The most levels that a value may have; what is deeper is left out. */
const MOST_LEVELS = 12;
/** The most characters that a text keeps. */
const MOST_TEXT = 32 * 1024;

type Unknown = Record<string, unknown>;
/** An object to read from; an empty one in the place of anything else. */
export const object = (value: unknown): Unknown => (value !== null && typeof value === "object" ? (value as Unknown) : {});
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** A text that is not empty, cut where it is very long; else null. */
export function text(value: unknown): string | null {
  if (typeof value !== "string" || value === "") return null;
  return value.length > MOST_TEXT ? `${value.slice(0, MOST_TEXT).toWellFormed()}…` : value;
}

/** A 64-bit number: in JSON a text or a number, in protobuf a Long. It is null for anything else, and past 64 bits. */
export function integer(value: unknown): bigint | null {
  let whole: bigint;
  if (typeof value === "number" && Number.isSafeInteger(value)) whole = BigInt(value);
  else if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) whole = BigInt(value);
  else if (isLong(value)) whole = (BigInt(value.unsigned ? value.high >>> 0 : value.high) << 32n) | BigInt(value.low >>> 0);
  else return null;
  return whole >= -(2n ** 63n) && whole < 2n ** 64n ? whole : null;
}

type Long = { low: number; high: number; unsigned: boolean };
const isLong = (value: unknown): value is Long => {
  const { low, high } = object(value);
  return typeof low === "number" && typeof high === "number";
};

/** A number that is finite: in JSON also as a text, as Claude Code writes some. Null for anything else. */
export function double(value: unknown): number | null {
  const whole = typeof value === "number" ? null : integer(value);
  const number = whole !== null ? Number(whole) : typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

/** An id in hexadecimal: it is so in JSON, and bytes in protobuf. Null where it is none, or all zeros. */
export function hexId(value: unknown, bytes: 8 | 16): string | null {
  const hex =
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : typeof value === "string" ? value.toLowerCase() : "";
  return hex.length === bytes * 2 && /^[0-9a-f]+$/.test(hex) && !/^0+$/.test(hex) ? hex : null;
}

/**
 * An OTLP value as a plain one: bytes become base64, and whole numbers stay exact. A protobuf message has a default for
 * each field that was not sent, and so only its own fields count.
 */
export function plainValue(value: unknown, levels = MOST_LEVELS): unknown {
  const any = object(value);
  const has = (name: string) => Object.hasOwn(any, name) && any[name] !== null && any[name] !== undefined;
  if (levels === 0) return null;
  if (has("stringValue")) return text(any.stringValue) ?? "";
  if (has("boolValue")) return any.boolValue === true;
  if (has("intValue")) return integer(any.intValue);
  if (has("doubleValue")) return double(any.doubleValue);
  if (has("arrayValue")) return list(object(any.arrayValue).values).map((each) => plainValue(each, levels - 1));
  if (has("kvlistValue")) return attributes(object(any.kvlistValue).values, levels - 1);
  if (has("bytesValue"))
    return any.bytesValue instanceof Uint8Array ? Buffer.from(any.bytesValue).toString("base64") : text(any.bytesValue);
  return null;
}

/** The most attributes that one row keeps. */
const MOST_ATTRIBUTES = 256;

/** A list of keys and values as one object; of two with the same key the later counts. */
export function attributes(pairs: unknown, levels = MOST_LEVELS): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const pair of list(pairs).slice(0, MOST_ATTRIBUTES)) {
    const key = text(object(pair).key);
    if (key !== null) found.set(key.slice(0, 256), plainValue(object(pair).value, levels));
  }
  return found;
}

/** Writes a value as JSON: whole numbers with all of their digits, and a Map as an object. */
export const json = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === "bigint") return rawJson(String(inner));
    return inner instanceof Map ? Object.fromEntries(inner) : inner;
  });

/** Node has it, and TypeScript's library does not know it yet. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
