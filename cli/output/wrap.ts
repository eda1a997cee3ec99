/**
 * Breaks a text between words into lines of at most `columns`: a terminal would break within words. The first line
 * begins with `first`, all others with `rest`. A word that is longer than a line stays whole, as it is a path or an id.
 * Without `columns` (no terminal) it is one line.
 */
export function wrap(text: string, columns: number | undefined, first = "", rest = first): string[] {
  if (columns === undefined) return [first + text];
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = rest;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
