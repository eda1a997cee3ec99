import { Author } from "../../lib/git/author.ts";
import type { Ledger } from "./ledger.ts";

/** Who the voyage's commits are by, and whether that author signs them off. Without an author it is the ships. */
export type Signing = { author?: Author | undefined; signOff?: boolean | undefined };

/** Writes how commits are signed from now on. It runs inside one write. */
export function setSigning(ledger: Ledger, { author, signOff }: Signing): void {
  ledger.setMeta("author", author ? JSON.stringify(author) : "");
  ledger.setMeta("signOff", signOff ? "1" : "");
}

export function signingOf(ledger: Ledger): Signing {
  const author = ledger.meta("author");
  return { ...(author && { author: Author.parse(JSON.parse(author)) }), signOff: Boolean(ledger.meta("signOff")) };
}
