import { createHash } from "node:crypto";
import jsonc from "jsonc-parser";

/** Options of the parser for HuJSON: JSON with comments and a comma after the last entry. */
export const HUJSON = { allowTrailingComma: true, disallowComments: false, allowEmptyContent: false };

/** A policy's sections by name, in lower case: the services read names without regard to case (`ACLs`, `Grants`). */
export const sections = (root: jsonc.Node): [string, jsonc.Node][] =>
  (root.children ?? []).flatMap(({ children }) => {
    const [key, value] = children ?? [];
    return key && value ? [[String(key.value).toLowerCase(), value] as [string, jsonc.Node]] : [];
  });

/** A policy's section of this name, in any case. */
export const section = (root: jsonc.Node, name: string) => sections(root).find(([key]) => key === name.toLowerCase())?.[1];

/**
 * Our rules in a policy's text. In each section they are one block between two comments, at the section's beginning,
 * each entry with a comma of its own, as HuJSON allows. So a block is put in and taken out without a change to a single
 * byte of what others wrote, their comments included. The first comment has a digest of what stands between, by which a
 * block that was changed by hand is known.
 */
const BEGIN = /^\/\* ocaptain ([0-9a-f]{12}): .*\*\/$/s;
const END = "/* ocaptain end */";

/** A block in a text; all from `from` to `to` was put in. */
export type Block = { from: number; to: number; digest: string; body: string; line: number };

/** Kinds of tokens, by jsonc-parser's own numbers: its names for them are a const enum, which needs a build step. */
const KIND = { comma: 5, blockComment: 13, lineBreak: 14, blank: 15, end: 17 };

type Token = { kind: number; text: string; at: number };

function* tokensOf(text: string): Generator<Token> {
  const scanner = jsonc.createScanner(text, false);
  for (let kind: number = scanner.scan(); kind !== KIND.end; kind = scanner.scan()) {
    const at = scanner.getTokenOffset();
    yield { kind, at, text: text.slice(at, at + scanner.getTokenLength()) };
  }
}

/** The digest of a block's words and comments, without blanks and commas, which editors of policies set anew. */
function digestOf(body: string): string {
  const words = [...tokensOf(body)].filter(({ kind }) => ![KIND.blank, KIND.lineBreak, KIND.comma].includes(kind));
  return createHash("sha256")
    .update(words.map(({ text }) => text).join(" "))
    .digest("hex")
    .slice(0, 12);
}

/** The text of a block. `lines` are its entries, each with its comma. */
export function blockText(lines: readonly string[], indent: string): string {
  const body = lines.map((line) => `\n${indent}${line}`).join("");
  return `\n${indent}/* ocaptain ${digestOf(body)}: written by home-port, which changes and removes it */${body}\n${indent}${END}`;
}

export const isUntouched = ({ digest, body }: Block) => digest === digestOf(body);

/**
 * All blocks of a text, in order; a string that contains such words is none. `broken` is the line of a beginning or an
 * end without the other.
 */
export function findBlocks(text: string): { blocks: Block[]; broken: number | null } {
  const blocks: Block[] = [];
  let open: { from: number; bodyFrom: number; digest: string; line: number } | null = null;
  for (const { kind, text: comment, at } of tokensOf(text)) {
    if (kind !== KIND.blockComment) continue;
    const line = text.slice(0, at).split("\n").length;
    const digest = BEGIN.exec(comment)?.[1];
    if (digest) {
      if (open) return { blocks, broken: open.line };
      // The line break and the indent before it belong to the block.
      const indent = /\r?\n[ \t]*$/.exec(text.slice(0, at))?.[0] ?? "";
      open = { from: at - indent.length, bodyFrom: at + comment.length, digest, line };
    } else if (comment === END) {
      if (!open) return { blocks, broken: line };
      const body = text.slice(open.bodyFrom, at).replace(/\r?\n[ \t]*$/, "");
      blocks.push({ from: open.from, to: at + comment.length, digest: open.digest, body, line: open.line });
      open = null;
    }
  }
  return { blocks, broken: open?.line ?? null };
}

export function withoutBlocks(text: string, blocks: readonly Block[]): string {
  return blocks.toReversed().reduce((rest, { from, to }) => rest.slice(0, from) + rest.slice(to), text);
}

/** Inserts texts; of two at one place the first comes first. */
export function insert(text: string, pieces: readonly { at: number; text: string }[]): string {
  return pieces
    .toSorted((a, b) => a.at - b.at)
    .toReversed()
    .reduce((whole, piece) => whole.slice(0, piece.at) + piece.text + whole.slice(piece.at), text);
}
