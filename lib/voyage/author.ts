import { existsSync } from "node:fs";
import { fitOrThrow } from "../base/check-input.ts";
import { OcaptainError } from "../base/errors.ts";
import { Author, parseAuthor, personalAuthor } from "../git/author.ts";
import { sourcePath } from "../git/voyage-repo.ts";
import { readLedger } from "../plan/read-ledger.ts";

/**
 * Finds the author of a voyage's commits: the one that `ocaptain:author` names, or else the captain, as git knows them
 * in the repository that the voyage began from. Null when git knows nobody: then the ships are the authors.
 *
 * @param setting  The text of `ocaptain:author`, if it is set.
 * @param ledger  The path of the voyage's ledger, which tells what git said while the repository was still there.
 * @throws OcaptainError BAD_AUTHOR when the setting is no author
 */
export async function authorOf(setting: string | undefined, repo: string, ledger: string): Promise<Author | null> {
  if (setting) {
    const author = parseAuthor(setting);
    if ("problem" in author) throw new OcaptainError("BAD_AUTHOR", `ocaptain:author ${author.problem}`);
    return author;
  }
  const source = sourcePath(repo);
  if (source !== undefined && !existsSync(source)) {
    const kept = readSigning(ledger)?.author;
    if (kept) return kept;
  }
  return personalAuthor(source ?? process.cwd());
}

/** How a ledger has the voyage's commits signed; null when there is no ledger. @throws OcaptainError LEDGER */
export function readSigning(ledger: string): { author: Author | null; signOff: boolean } | null {
  return readLedger(ledger, (file) => {
    const author = file.meta("author");
    const known = author && fitOrThrow(Author, JSON.parse(author), (why) => new Error(`the author in it does not fit: ${why}`));
    return { author: known || null, signOff: file.meta("signOff") !== "" };
  });
}
