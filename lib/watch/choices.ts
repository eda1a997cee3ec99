import { plain } from "../base/text.ts";

/** The beginning of a line that names a choice: `- `, `* `, `1. `, `1) `, `a) ` or `(a) `. */
const MARK = /^\s*(?:[-*•]|\(?(?:\d{1,2}|[A-Za-z])[.)])\s+(?=\S)/;
/** The bounds of what can be shown as buttons. */
const MOST_CHOICES = 9;
const MOST_CHARACTERS = 120;

/**
 * The choices that a question's last lines list, as they can be answered: two to nine lines in a row that begin as a
 * list does. A question that ends otherwise has none, and is answered in words.
 */
export function choicesOf(question: string): string[] {
  const lines = question.trimEnd().split("\n");
  const last = lines.findLastIndex((line) => !MARK.test(line));
  const listed = lines.slice(last + 1).map((line) => plain(line.replace(MARK, "")).trim());
  const fits =
    listed.length >= 2 && listed.length <= MOST_CHOICES && listed.every(({ length }) => length > 0 && length <= MOST_CHARACTERS);
  return fits && new Set(listed).size === listed.length ? listed : [];
}
