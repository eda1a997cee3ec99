import { stripVTControlCharacters } from "node:util";

/** What ships and agents wrote, made harmless for a terminal: no escape sequence, no control character but tab. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return stripVTControlCharacters(text).replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, "");
}

/** The same, line by line. */
export const plainLines = (text: string): string => text.split("\n").map(plain).join("\n");
