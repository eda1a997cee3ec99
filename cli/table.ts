import { plain } from "../lib/plain-text.ts";

/** A row's cells as shown; `paint` colours a cell after it was measured. */
export type Cell = { text: string; paint?: ((text: string) => string) | undefined };

const MOST_IN_A_CELL = 2_000;

/**
 * Aligned columns with a heading. Columns that are empty in every row are left out. With `columns`, the terminal's width, the last column is
 * cut to fit; without, nothing is.
 */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], columns?: number): string[] {
  // Whoever wrote a cell's text: it is one line, and moves nothing.
  const cleaned = rows.map((row) =>
    row.map((cell) => ({ ...cell, text: plain(cell.text, MOST_IN_A_CELL).replaceAll("\t", " ") })),
  );
  const shown = headings.map((_, index) => index).filter((index) => cleaned.some((row) => row[index]?.text));
  const widths = shown.map((index) => Math.max(headings[index]!.length, ...cleaned.map((row) => row[index]?.text.length ?? 0)));
  const line = (cells: readonly (Cell | undefined)[]) => {
    let used = 0;
    return shown
      .map((index, at) => {
        const { text = "", paint } = cells[index] ?? {};
        const last = at === shown.length - 1;
        const cut = last && columns && used + text.length > columns ? `${text.slice(0, Math.max(0, columns - used - 1))}…` : text;
        const padded = last ? cut : cut.padEnd(widths[at]!);
        used += widths[at]! + 2;
        return paint ? paint(padded) : padded;
      })
      .join("  ")
      .trimEnd();
  };
  return [line(headings.map((text) => ({ text }))), ...cleaned.map(line)];
}
