import { plain, plainLines } from "../../../lib/base/text.ts";

// Text that agents, plans, ships and repositories wrote, as it may stand in a pull request. There it must be shown and
// do nothing: mention nobody, refer to and close no issue, load nothing, leave no cell, block or comment. A forge reads
// the text twice: as markdown, and as it is, for a merge may make a commit's message of it. So nothing that acts is in
// it in either reading. Where markdown is shown, a character without a width parts what would act: "@" from a name.

/** A piece of markdown of our own. All else that comes into {@link md} is text. */
export class Markdown {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Piece = Markdown | string | number | null | undefined | false | readonly Piece[];

/** Writes markdown with pieces in it; what is none is shown as it is. null, undefined and false are nothing. */
export const md = (parts: TemplateStringsArray, ...pieces: readonly Piece[]): Markdown =>
  new Markdown(parts.map((part, index) => (index === 0 ? part : written(pieces[index - 1]) + part)).join(""));

function written(piece: Piece): string {
  if (piece === null || piece === undefined || piece === false) return "";
  if (piece instanceof Markdown) return piece.text;
  if (typeof piece === "object") return piece.map(written).join("");
  return prose(String(piece)).text;
}

/** Joins pieces that are there. */
export const joined = (pieces: readonly (Markdown | null | false | undefined)[], between: string): Markdown =>
  new Markdown(pieces.flatMap((piece) => (piece ? [piece.text] : [])).join(between));

/** The parts of a text that markdown or a forge would read as more than text. */
const ACTS =
  /:\/\/|:(?=[\w+-]+:)|\bwww\.|\bGH-(?=\d)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|!(?=\d)|&(?=#?\w+;)|@\w?|#\w?|[$<>\\`*[\]~|]/giu;
/** What at the begin of a text would make a list, a line, or a command to a bot of it. */
const BEGINS = /^ ?(?:[-+=/]|\d+[.)](?= |$))/;

const entity = (character: string) => `&#x${character.codePointAt(0)!.toString(16)};`;
/** A character that is not seen, and takes no room. */
const APART = "&#x200b;";

/** One line of text, at most `most` characters of it. */
export function prose(text: string, most?: number): Markdown {
  const line = clean(text, most).replace(ACTS, inert);
  return new Markdown(line.replace(BEGINS, (found) => `${found.slice(0, -1)}${entity(found.at(-1)!)}`));
}

function inert(found: string): string {
  const [first = "", second = ""] = found;
  if (found === "://") return `:${APART}//`;
  if (first === "@" || first === "#") return entity(first) + (second && APART + second);
  if (first === "!") return entity(first) + APART;
  if (/[:w]/i.test(first) || found.length > 1) return found + APART;
  return /[<>&$]/.test(found) ? entity(found) : `\\${found}`;
}

/** What may stand in a code span of markdown, and acts in no reading. */
const PLAIN_CODE = /^(?!.*(?::\/\/|\bGH-\d))[\p{L}\p{N} .,:;/+='"()[\]{}*?%_$^~-]+$/iu;

/** One line of code, at most `most` characters of it. */
export function code(text: string, most?: number): Markdown {
  const line = clean(text, most).trim();
  if (line === "") return new Markdown("");
  return PLAIN_CODE.test(line) ? new Markdown(`\`${line}\``) : md`<code>${line}</code>`;
}

/** One line of text whose parts between backticks are code, as agents write it; at most `most` characters of it. */
export const proseWithCode = (text: string, most?: number): Markdown =>
  joined(
    clean(text, most)
      .split(/(`[^`]+`)/)
      .map((part) => (/^`[^`]+`$/.test(part) ? code(part.slice(1, -1)) : prose(part))),
    "",
  );

/** A block of lines as a program has printed them. It is HTML, since no text can end that by itself. */
export function block(text: string): Markdown {
  const lines = plainLines(text, { most: Number.POSITIVE_INFINITY })
    .replace(/[&<>@#!|`$]/g, entity)
    .replace(/(?<=:)\/(?=\/)|(?<=\bGH)-(?=\d)|^\//gim, entity);
  return new Markdown(`<pre>\n${lines}\n</pre>`);
}

const clean = (text: string, most?: number) => plain(text.replaceAll(/\s+/g, " "), most === undefined ? {} : { most });

/** A table; its cells are of one line. */
export function table(columns: readonly string[], rows: readonly (readonly Markdown[])[]): Markdown {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return new Markdown(
    [row(columns), row(columns.map(() => "---")), ...rows.map((cells) => row(cells.map(({ text }) => text)))].join("\n"),
  );
}

/** A part that is folded until somebody opens it. */
export const folded = (title: Markdown, body: Markdown): Markdown =>
  md`<details>
<summary>${title}</summary>

${body}

</details>`;
