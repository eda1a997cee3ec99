import type { Match } from "./patterns.ts";

/** A secret of this captain's, and what it is called. */
export type Secret = { name: string; value: string };

/** A shorter value is no secret that could be told from any other word. */
const LEAST = 8;
/** A part of a secret that is looked for by itself, and how long a secret must be for that. */
const PART = 20;
const LEAST_FOR_PARTS = 32;

/** The most places in one text. */
const MOST = 1_000;

/** A text to look for, and what it is. */
type Needle = { text: string; what: string };

/**
 * Makes what looks for secrets that are known: whole, their first and their last characters, and in base64, wherever in
 * a base64 text they begin.
 */
export function plantedIn(secrets: readonly Secret[]): (text: string) => Match[] {
  const needles = secrets.flatMap(needlesOf);
  return (text) => {
    const found: Match[] = [];
    for (const { text: needle, what } of needles)
      for (let at = text.indexOf(needle); at >= 0 && found.length < MOST; at = text.indexOf(needle, at + needle.length))
        // Where all of it is, its parts are no more news.
        if (!found.some(({ from, to }) => from <= at && at + needle.length <= to))
          found.push({ rule: "captain", what, from: at, to: at + needle.length });
    return found;
  };
}

function needlesOf({ name, value }: Secret): Needle[] {
  if (value.length < LEAST) return [];
  const parts = value.length >= LEAST_FOR_PARTS;
  return [
    { text: value, what: `your ${name}` },
    ...base64Of(value).map((text) => ({ text, what: `your ${name}, in base64` })),
    ...(parts
      ? [
          { text: value.slice(0, PART), what: `the begin of your ${name}` },
          { text: value.slice(-PART), what: `the end of your ${name}` },
        ]
      : []),
  ];
}

/** What of a value is the same in each base64 text that holds it, by where in three bytes it begins. */
function base64Of(value: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]);
    const whole = bytes.toString("base64").replace(/=+$/, "");
    // The characters at both ends hold bits of what stands beside the value, too.
    const text = whole.slice(before === 0 ? 0 : before + 1, bytes.length % 3 === 0 ? undefined : -1);
    const url = text.replaceAll("+", "-").replaceAll("/", "_");
    return text.length < LEAST + 2 ? [] : [...new Set([text, url])];
  });
}
