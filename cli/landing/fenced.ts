import { plainLines } from "../../lib/base/text.ts";

/**
 * Puts a text of others into a fence of markdown that nothing in it can end, made harmless, with at most `most`
 * characters of it.
 */
export function fenced(text: string, most: number): string {
  const lines = plainLines(text, { most });
  const longest = Math.max(2, ...[...lines.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${lines}\n${fence}`;
}
