import { plainLines } from "../../lib/base/text.ts";

/** A text in which nothing has to be looked for: what can be typed, and ends of lines. */
const HARMLESS = /^[\x20-\x7e\n]*$/;
/** The most characters of one text that are sent. */
const MOST = 65_536;

/**
 * A copy of what is sent in which every text of ships, agents and plans is harmless: without what is not seen and acts
 * all the same, such as marks that turn the direction of a line.
 */
export function cleaned<T>(value: T): T {
  if (typeof value === "string")
    return (HARMLESS.test(value) && value.length <= MOST ? value : plainLines(value, { most: MOST })) as T;
  if (Array.isArray(value)) return value.map(cleaned) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [cleaned(key), cleaned(each)])) as T;
}
