import { plain } from "../../lib/base/text.ts";

/** One cell of a row. `paint` colours its text after the text was measured. */
export type Cell = { text: string; paint?: ((text: string) => string) | undefined };

const MOST_IN_A_CELL = 2_000;

/**
 * Lines of aligned columns with a heading. Columns that are empty in every row are left out. With `columns`, the
 * terminal's width, the widest columns are cut between words until a row fits, so that no line is broken; without it
 * nothing is cut.
 */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], columns?: number): string[] {
  // Whoever wrote a cell's text, it becomes one line that moves nothing on the terminal.
  const cleaned = rows.map((row) =>
    row.map((cell) => ({ ...cell, text: plain(cell.text, { most: MOST_IN_A_CELL }).replaceAll("\t", " ") })),
  );
  const shown = headings.map((_, index) => index).filter((index) => cleaned.some((row) => row[index]?.text));
  const wanted = shown.map((index) => Math.max(headings[index]!.length, ...cleaned.map((row) => row[index]?.text.length ?? 0)));
  // A cell is cut after its first word at the earliest.
  const least = shown.map((index) =>
    Math.max(LEAST_WIDTH, ...[headings[index]!, ...cleaned.map((row) => row[index]?.text ?? "")].map(shortest)),
  );
  const widths = columns === undefined ? wanted : fitted(wanted, least, columns);
  const line = (cells: readonly (Cell | undefined)[]) =>
    shown
      .map((index, at) => {
        const { text = "", paint } = cells[index] ?? {};
        const width = widths[at]!;
        const fits = cut(text, width);
        const padded = at === shown.length - 1 ? fits : fits.padEnd(width);
        return paint ? paint(padded) : padded;
      })
      .join(GAP)
      .trimEnd();
  return [line(headings.map((text) => ({ text }))), ...cleaned.map(line)];
}

const GAP = "  ";
/** A column that is narrower says nothing any more. */
const LEAST_WIDTH = 4;

/** Cuts a text that is longer than `width` after a word; within one only where the first is longer. */
export function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  const room = Math.max(0, width - 1);
  const end = text.lastIndexOf(" ", room);
  return `${text.slice(0, end > 0 ? end : room).trimEnd()}…`;
}

/** The width of a text that is cut after its first word. */
const shortest = (text: string): number => {
  const end = text.indexOf(" ");
  return end < 0 ? text.length : end + 1;
};

/**
 * Narrows the widest column again and again (the last one, where several are), until all fit. None becomes narrower
 * than `least`, unless that alone is too much for the terminal.
 */
function fitted(wanted: readonly number[], least: readonly number[], columns: number): number[] {
  const widths = [...wanted];
  let over = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1) - columns;
  for (const bounds of [least, least.map(() => LEAST_WIDTH)])
    for (; over > 0; over--) {
      const widest = Math.max(...widths.filter((width, index) => width > bounds[index]!));
      const at = widths.findLastIndex((width, index) => width === widest && width > bounds[index]!);
      if (at < 0) break;
      widths[at]!--;
    }
  return widths;
}
