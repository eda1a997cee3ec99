import { badSource } from "./shape.ts";

/** A line of a Markdown file, and its number. */
export type Line = { number: number; text: string };

const MOST_CHARACTERS = 20_000;

/**
 * Splits a Markdown text into its lines, without its front matter. Lines within a fence of code are marked, as a box in
 * an example is no task.
 *
 * @throws OcaptainError SOURCE for a line that is too long to be one that somebody wrote
 */
export function linesOf(file: string, text: string): (Line & { isCode: boolean })[] {
  const lines = text.split(/\r\n|\n|\r/).map((each, index) => ({ number: index + 1, text: each }));
  const long = lines.find((line) => line.text.length > MOST_CHARACTERS);
  if (long)
    throw badSource(file, long.number, `the line has ${long.text.length} characters; at most ${MOST_CHARACTERS} are taken`);
  let fence: string | undefined;
  return withoutFrontMatter(file, lines).map((line) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line.text)?.[1];
    if (fence === undefined && mark !== undefined) {
      fence = mark;
      return { ...line, isCode: true };
    }
    const isCode = fence !== undefined;
    if (mark !== undefined && fence !== undefined && mark[0] === fence[0] && mark.length >= fence.length) fence = undefined;
    return { ...line, isCode };
  });
}

function withoutFrontMatter(file: string, lines: readonly Line[]): readonly Line[] {
  if (lines[0]?.text.trimEnd() !== "---") return lines;
  const end = lines.findIndex((line, index) => index > 0 && /^(---|\.\.\.)\s*$/.test(line.text));
  if (end < 0) throw badSource(file, 1, "its front matter has no end: a line of three dashes is missing");
  return lines.slice(end + 1);
}

/** The text of the first heading of the first level; undefined where there is none. */
export const firstHeading = (lines: readonly Line[]): string | undefined =>
  lines.map((line) => /^# +(.*?)\s*#*$/.exec(line.text)?.[1]).find((heading) => heading !== undefined && heading !== "");
