/**
 * The one place where words that ships, agents, repositories, plans and providers wrote are made harmless, for wherever they leave: a terminal, an
 * error, a commit's message. What is taken out is what is not seen and acts all the same.
 */

/** Characters of one text, where nobody says otherwise. */
const MOST = 16_384;

/**
 * Escape sequences, whole: strings (titles, clipboards, links) with all that is in them, where they have an end; controls; single ones. Each character is
 * looked at a bounded number of times, whatever the text is.
 */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])(?:[^\x07\x1b\n\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c))?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?/g;

/** C0, C1, DEL; what turns the direction of text, or has no width (of which whole messages can be made); what a terminal or an editor may take for a line's end. */
const UNSEEN = "\\p{Cc}\\p{Bidi_Control}\\p{Default_Ignorable_Code_Point}\\ufff9-\\ufffb";
const SEPARATORS = /[\u2028\u2029]/g;
const NOT_PLAIN = new RegExp(`(?!\\t)[${UNSEEN}]`, "gu");
const NOT_JSON = new RegExp(`(?!\\n)[${UNSEEN}\\u2028\\u2029]`, "gu");

/** An object, and not a number, which `map` would bring along. */
type Bound = { most?: number };

/** Harmless, on one line: no escape sequence, no control character but tab, nothing unseen, no half of a character, at most `most` characters. */
export function plain(text: string, { most = MOST }: Bound = {}): string {
  // Cut first: what is behind is not worth the time.
  const bounded = text.length > 2 * most ? text.slice(0, 2 * most) : text;
  const clean = bounded.replace(SEQUENCES, "").replace(SEPARATORS, " ").replace(NOT_PLAIN, "").toWellFormed();
  return clean.length > most || bounded.length < text.length ? `${clean.slice(0, most).toWellFormed()}…` : clean;
}

/** The same, line by line; `most` characters in all. */
export function plainLines(text: string, { most = MOST }: Bound = {}): string {
  const bounded = text.length > most ? `${text.slice(0, most)}…` : text;
  return bounded
    .split("\n")
    .map((line) => plain(line, { most }))
    .join("\n");
}

/**
 * The end of what a program on a ship said, for our own message: harmless, and where it is several lines, set apart, so that none of them passes for
 * one of ours.
 */
export function said(text: string, most = 500): string {
  const lines = plainLines(text.trim().slice(-most), { most }).split("\n");
  return lines.length === 1 ? (lines[0] ?? "") : lines.map((line) => `\n    | ${line}`).join("");
}

/** JSON that says all of it, and is harmless where it is printed: what is unseen is escaped. */
export const plainJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(NOT_JSON, (found) =>
    found
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );

/** An amount of US dollars for people: `$0.42`, and `$0.0042` where whole cents would say little. */
export const usd = (value: number) => `$${value.toFixed(value > 0 && value < 0.1 ? 4 : 2)}`;
