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

/**
 * Breaks a command that is longer than a line so that it can be pasted all the same: between its words, where a
 * backslash says that it goes on, and before its remark, which then stands on lines of its own.
 */
export function wrapCommand(command: string, columns: number | undefined, first = "", rest = first): string[] {
  if (columns === undefined || first.length + command.length <= columns) return [first + command];
  const [, typed = "", remark] = /^(.*?)(?:\s+# (.*))?$/s.exec(command) ?? [];
  // A backslash within quotes would be a part of the word. An option of one letter stays with what follows it.
  const words = typed.match(/(?:-[a-zA-Z] )?(?:'[^']*'|"[^"]*"|\S)+/g) ?? [];
  const lines: string[] = [];
  let line = first;
  for (const [index, word] of words.entries()) {
    const isFirst = line === first || line === rest;
    const room = columns - (index < words.length - 1 ? " \\".length : 0);
    if (!isFirst && line.length + 1 + word.length > room) {
      lines.push(`${line} \\`);
      line = rest + word;
    } else line += isFirst ? word : ` ${word}`;
  }
  return [...lines, line, ...(remark === undefined ? [] : wrapRemark(remark, columns, `${rest}# `))];
}

/** Breaks a remark between words, and not within a command that it names, where that has room on a line. */
function wrapRemark(remark: string, columns: number, lead: string): string[] {
  const glued = remark.replace(/\b(?:pulumi|ocaptain) [^;,()]+/g, (command) =>
    lead.length + command.length <= columns ? command.replaceAll(" ", NO_BREAK) : command,
  );
  return wrap(glued, columns, lead).map((line) => line.replaceAll(NO_BREAK, " "));
}

const NO_BREAK = "\u00a0";

/**
 * Breaks the lines of a text that are longer than the terminal's, each by what it is: a hint as a command, a line with
 * a label under the label's text, and any other under its first letter and two columns.
 */
export function fold(text: string, columns: number | undefined): string {
  return text
    .split("\n")
    .flatMap((line) => {
      if (columns === undefined || line.length <= columns) return [line];
      const [, indent = "", label = ""] = /^(\s*)((?:hint|next): )?/.exec(line) ?? [];
      if (label) return wrapCommand(line.slice(indent.length + label.length), columns, indent + label, `${indent}  `);
      const [, gap] = /^\s*\S+( {2,})/.exec(line) ?? [];
      const lead = gap ? line.indexOf(gap) + gap.length : indent.length;
      return wrap(line.slice(lead), columns, line.slice(0, lead), " ".repeat(gap ? lead : lead + 2));
    })
    .join("\n");
}
