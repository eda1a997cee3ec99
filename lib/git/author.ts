import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { z } from "zod";
import { runProgram } from "../base/run-program.ts";
import { plain } from "../base/text.ts";
import { inherited } from "../daemons/environment.ts";

/** The author of a voyage's commits. */
export const Author = z.object({ name: z.string(), email: z.string() });
export type Author = z.infer<typeof Author>;

export const writeAuthor = ({ name, email }: Author) => `${name} <${email}>`;

/** The most characters of a name and of a mail address. */
const MOST = 200;
const LETTER = /[\p{L}\p{N}]/u;

/**
 * Reads an author as people write one, `Name <mail>`. What git would silently drop, or take for the end of a line or of
 * an address, is refused.
 */
export function parseAuthor(text: string): Author | { problem: string } {
  if (plain(text, { most: 3 * MOST }) !== text || text.includes("\t"))
    return { problem: "must be one line of plain text, without characters that are not seen" };
  const [, name = "", email = ""] = /^\s*([^<>]*?)\s*<([^<>\s]+@[^<>\s]+)>\s*$/.exec(text) ?? [];
  if (!LETTER.test(name) || !LETTER.test(email)) return { problem: "must be a name and a mail address: Name <mail@example.com>" };
  if (name.length > MOST || email.length > MOST)
    return { problem: `must have a name and a mail address of at most ${MOST} characters` };
  return { name, email };
}

/**
 * Asks git who this machine's person is, as a `git commit` in `folder` would find it: by GIT_AUTHOR_NAME and
 * GIT_AUTHOR_EMAIL, or by user.name and user.email of whichever configuration counts there. Null when nothing is set,
 * where git would make an address up from the machine's name.
 */
export async function personalAuthor(folder: string): Promise<Author | null> {
  const isThere = await stat(folder).then(
    (info) => info.isDirectory(),
    () => false,
  );
  const asked = await runProgram("git", ["-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT"], {
    cwd: isThere ? folder : homedir(),
    env: inherited("git of the person"),
    timeoutMs: 5_000,
    mostBytes: 64 * 1024,
  });
  const [, name = "", email = ""] = /^(.*) <([^<>\n]*)> \d+ [+-]\d{4}$/.exec(asked.ok ? asked.stdout.trim() : "") ?? [];
  const author = { name: plain(name, { most: MOST }).trim(), email: plain(email, { most: MOST }).trim() };
  return LETTER.test(author.name) && LETTER.test(author.email) ? author : null;
}
