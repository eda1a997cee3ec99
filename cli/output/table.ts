import { plain } from "../../lib/base/text.ts";

/** One cell of a row. `paint` colours its text after the text was measured. */
export type Cell = { text: string; paint?: ((text: string) => string) | undefined };

const MOST_IN_A_CELL = 2_000;

/**
 * Lines of aligned columns with a heading. Columns that are empty in every row are left out. With `columns`, the
 * terminal's width, the widest columns are cut until a row fits, so that no line is broken; without it nothing is cut.
 */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], columns?: number): string[] {
  // Whoever wrote a cell's text, it becomes one line that moves nothing on the terminal.
  const cleaned = rows.map((row) =>
    row.map((cell) => ({ ...cell, text: plain(cell.text, { most: MOST_IN_A_CELL }).replaceAll("\t", " ") })),
  );
  const shown = headings.map((_, index) => index).filter((index) => cleaned.some((row) => row[index]?.text));
  const wanted = shown.map((index) => Math.max(headings[index]!.length, ...cleaned.map((row) => row[index]?.text.length ?? 0)));
  const widths = columns === undefined ? wanted : fitted(wanted, columns);
  const line = (cells: readonly (Cell | undefined)[]) =>
    shown
      .map((index, at) => {
        const { text = "", paint } = cells[index] ?? {};
        const width = widths[at]!;
        const cut = text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
        const padded = at === shown.length - 1 ? cut : cut.padEnd(width);
        return paint ? paint(padded) : padded;
      })
      .join(GAP)
      .trimEnd();
  return [line(headings.map((text) => ({ text }))), ...cleaned.map(line)];
}

const GAP = "  ";
/** A column that is narrower says nothing any more. */
const LEAST_WIDTH = 4;

/** Narrows the widest column again and again (the last one, where several are), until all fit. */
function fitted(wanted: readonly number[], columns: number): number[] {
  const widths = [...wanted];
  for (let over = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1) - columns; over > 0; over--) {
    const widest = widths.lastIndexOf(Math.max(...widths));
    if (widest < 0 || widths[widest]! <= LEAST_WIDTH) break;
    widths[widest]!--;
  }
  return widths;
}
