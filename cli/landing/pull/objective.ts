import { block, joined, type Markdown, md, proseWithCode } from "./markdown.ts";

const FENCE = /^\s*(`{3,}|~{3,})/;
const BULLET = /^(\s*)[-*+]\s+(.*)$/;
const NUMBER = /^(\s*)(\d{1,9})[.)]\s+(.*)$/;

/**
 * Writes a part of a spec, which is markdown of the plan's: paragraphs, lists, code and headings stay, all else is
 * text.
 */
export function objectiveOf(text: string): Markdown {
  const parts: Markdown[] = [];
  let [open, fence]: [Markdown[], string[] | null] = [[], null];
  const close = () => {
    if (open.length > 0) parts.push(joined(open, "\n"));
    open = [];
  };
  for (const line of text.split(/\r?\n/)) {
    if (FENCE.test(line)) {
      if (fence) parts.push(block(fence.join("\n")));
      else close();
      fence = fence ? null : [];
    } else if (fence) fence.push(line);
    else if (line.trim() === "") close();
    else if (/^#{1,6}\s/.test(line)) {
      close();
      parts.push(md`**${proseWithCode(line.replace(/^#+\s+/, "").replace(/\s+#+$/, ""))}**`);
    } else open.push(listed(line));
  }
  if (fence) parts.push(block(fence.join("\n")));
  close();
  return joined(parts, "\n\n");
}

function listed(line: string): Markdown {
  const [, depth = "", item] = BULLET.exec(line) ?? [];
  if (item !== undefined) return md`${indent(depth)}- ${proseWithCode(item)}`;
  const [, at = "", number, text] = NUMBER.exec(line) ?? [];
  return text === undefined ? proseWithCode(line) : md`${indent(at)}${Number(number)}. ${proseWithCode(text)}`;
}

/** At most two steps in: what is further in would be code. */
const indent = (depth: string) => joined(Array(Math.min(2, Math.floor(depth.length / 2))).fill(md`  `), "");
