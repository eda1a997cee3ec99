import type { Match } from "./patterns.ts";

/** A text to look at, and what it is to the caller. */
export type Text<Of> = { of: Of; text: string };
/** A place in a text, with its line from 1 and what stands there. */
export type Hit<Of> = { of: Of; match: Match; line: number; found: string };

/** Looks at texts for something. */
export type Looks = (text: string) => Match[] | Promise<Match[]>;

/** How many characters are looked at together: the scanner takes long to begin. */
const TOGETHER = 256 * 1024;
/** A longer text is looked at piece by piece; what is longer than `OVER` may be cut in two by that. */
const OVER = 8 * 1024;

/**
 * Looks at texts as they come, many small ones together; each place that is found is looked at again in its own text
 * alone, so that nothing is found that reaches from one text into another.
 */
export async function* scan<Of>(texts: AsyncIterable<Text<Of>>, looks: Looks): AsyncGenerator<Hit<Of>> {
  let open: Text<Of>[] = [];
  let length = 0;
  for await (const each of texts) {
    if (each.text.length > TOGETHER) {
      yield* inPieces(each, looks);
      continue;
    }
    open.push(each);
    length += each.text.length;
    if (length < TOGETHER) continue;
    yield* inAll(open, looks);
    [open, length] = [[], 0];
  }
  yield* inAll(open, looks);
}

async function* inAll<Of>(texts: readonly Text<Of>[], looks: Looks): AsyncGenerator<Hit<Of>> {
  const matches = await looks(texts.map(({ text }) => text).join("\n"));
  if (matches.length === 0) return;
  let from = 0;
  for (const each of texts) {
    const to = from + each.text.length;
    if (matches.some((match) => match.from <= to && match.to >= from)) yield* inOne(each, looks);
    from = to + 1;
  }
}

async function* inOne<Of>({ of, text }: Text<Of>, looks: Looks): AsyncGenerator<Hit<Of>> {
  for (const match of await looks(text))
    yield { of, match, line: text.slice(0, match.from).split("\n").length, found: text.slice(match.from, match.to) };
}

async function* inPieces<Of>({ of, text }: Text<Of>, looks: Looks): AsyncGenerator<Hit<Of>> {
  let line = 1;
  for (let at = 0; at < text.length; at += TOGETHER - OVER) {
    for await (const hit of inOne({ of, text: text.slice(at, at + TOGETHER) }, looks))
      yield { ...hit, line: line + hit.line - 1 };
    line += text.slice(at, at + TOGETHER - OVER).split("\n").length - 1;
  }
}
