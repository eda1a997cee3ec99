// The one place where text that ships, agents, repositories, plans and providers wrote is made harmless before it is
// shown in a terminal, an error or a commit's message. It is rid of what cannot be seen and acts all the same.

/** The most characters of one text, unless the caller says otherwise. */
const MOST = 16_384;

/**
 * The whole of an escape sequence. It is a string (a title, a clipboard, a link) with all that is in it if it has an
 * end, or a control sequence, or a single escape. Each character is looked at a bounded number of times, whatever the
 * text is.
 */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])(?:[^\x07\x1b\n\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c))?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?/g;

/**
 * The characters that are not seen: controls, those that turn the direction of text, and those without a width, in
 * which whole messages can be hidden.
 */
const UNSEEN = "\\p{Cc}\\p{Bidi_Control}\\p{Default_Ignorable_Code_Point}\\ufff9-\\ufffb";
/** The characters that a terminal or an editor may take for the end of a line. */
const SEPARATORS = /[\u2028\u2029]/g;
const NOT_PLAIN = new RegExp(`(?!\\t)[${UNSEEN}]`, "gu");
const NOT_JSON = new RegExp(`(?!\\n)[${UNSEEN}\\u2028\\u2029]`, "gu");

/** The bound of a text. It is an object, since a plain number could be the index that `map` hands to its function. */
type Bound = { most?: number };

/**
 * Makes a text harmless on one line of at most `most` characters: without escape sequences, control characters other
 * than tab, characters that are not seen, and halves of characters.
 */
export function plain(text: string, { most = MOST }: Bound = {}): string {
  // The text is cut first, lest a very long one takes time for what is not shown.
  const bounded = text.length > 2 * most ? text.slice(0, 2 * most) : text;
  const clean = bounded.replace(SEQUENCES, "").replace(SEPARATORS, " ").replace(NOT_PLAIN, "").toWellFormed();
  return clean.length > most || bounded.length < text.length ? `${clean.slice(0, most).toWellFormed()}…` : clean;
}

/** Makes a text of several lines harmless, line by line, with at most `most` characters in all. */
export function plainLines(text: string, { most = MOST }: Bound = {}): string {
  const bounded = text.length > most ? `${text.slice(0, most)}…` : text;
  return bounded
    .split("\n")
    .map((line) => plain(line, { most }))
    .join("\n");
}

/** The first line of a text, for a table or a list. */
export const firstLine = (text: string): string => plain(text.trim().split("\n")[0] ?? "");

/**
 * Quotes the end of what a program on a ship has printed, in a message of ours. It is made harmless, and several lines
 * are set apart, so that none of them can be taken for one of ours.
 */
export function said(text: string, most = 500): string {
  const lines = plainLines(text.trim().slice(-most), { most }).split("\n");
  return lines.length === 1 ? (lines[0] ?? "") : lines.map((line) => `\n    | ${line}`).join("");
}

/**
 * Writes a value as JSON that is complete and yet harmless where it is printed: characters that are not seen are
 * escaped.
 */
export const plainJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(NOT_JSON, (found) =>
    found
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );

/** Writes an amount of US dollars for people: `$0.42`, or `$0.0042` where whole cents would say little. */
export const usd = (value: number) => `$${value.toFixed(value > 0 && value < 0.1 ? 4 : 2)}`;
