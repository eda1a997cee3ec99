import { textOf } from "./files.ts";

/** How many files a sentence names before it counts the rest. */
const NAMED = 8;

/** Turns a path, a byte string, into a text in which nothing acts on a terminal. */
export const shown = (path: string) => textOf(path).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");

/** Names some files, and how many more there are, for people and models. */
export function namesOf(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
