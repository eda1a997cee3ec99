/** A row's cells as shown; `paint` colours a cell after it was measured. */
export type Cell = { text: string; paint?: ((text: string) => string) | undefined };

/**
 * Aligned columns with a heading. Columns that are empty in every row are left out. With `columns`, the terminal's width, the last column is
 * cut to fit; without, nothing is.
 */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], columns?: number): string[] {
  const shown = headings.map((_, index) => index).filter((index) => rows.some((row) => row[index]?.text));
  const widths = shown.map((index) => Math.max(headings[index]!.length, ...rows.map((row) => row[index]?.text.length ?? 0)));
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
  return [line(headings.map((text) => ({ text }))), ...rows.map(line)];
}
