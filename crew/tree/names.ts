import { textOf } from "./files.ts";

/** What is said of files is for people and models: some, and how many more. */
const NAMED = 8;

/** A path, a byte string, as a text in which nothing acts on a terminal. */
export const shown = (path: string) => textOf(path).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");

export function namesOf(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
