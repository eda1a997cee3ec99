import { plainLines } from "../../../lib/base/text.ts";

/**
 * A piece of the page that is markup already. All else that comes into {@link html} is text: whoever wrote it, it is
 * shown, and does nothing. The page is HTML that an XML parser reads, too.
 */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Piece = Markup | string | number | null | undefined | false | readonly Piece[];

/** Writes markup with pieces in it; what is no markup is escaped. null, undefined and false are nothing. */
export const html = (parts: TemplateStringsArray, ...pieces: readonly Piece[]): Markup =>
  new Markup(parts.map((part, index) => (index === 0 ? part : written(pieces[index - 1]) + part)).join(""));

function written(piece: Piece): string {
  if (piece === null || piece === undefined || piece === false) return "";
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === "object") return piece.map(written).join("");
  return inMarkup(String(piece));
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** A text as it stands between tags or in quotes: without what is not seen, and without what no XML may hold. */
const inMarkup = (text: string): string =>
  plainLines(text, { most: Number.POSITIVE_INFINITY })
    .replace(/[\ufffe\uffff]/g, "")
    .replace(/[&<>"']/g, (found) => ENTITIES[found]!);
