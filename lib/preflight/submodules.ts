import { plain } from "../base/text.ts";
import { type GitOptions, git } from "../git/run.ts";

/** The most submodules that the message names. */
const NAMED = 5;

/**
 * The warning about submodules that no ship can fill, since a ship reads only http(s) addresses, without anybody's
 * credentials. null when there is none, or when it cannot be told.
 *
 * @param here  a repository on this machine
 */
export async function aboutSubmodules(here: GitOptions, commit: string): Promise<string | null> {
  const tree = await git(["ls-tree", "-r", "-z", commit], here).catch(() => null);
  const links = [...(tree?.stdout ?? "").matchAll(/(?:^|\0)160000 commit \w+\t([^\0]+)/g)].map(([, path]) => path!);
  if (links.length === 0) return null;
  const asked = ["config", "--blob", `${commit}:.gitmodules`, "-z", "--get-regexp", "^submodule\\..*\\.(path|url)$"];
  const settings = await git(asked, here).catch(() => null);
  const entries = [...(settings?.stdout ?? "").matchAll(/(?:^|\0)submodule\.([^\n\0]*)\.(path|url)\n([^\0]*)/g)];
  const urls = new Map(entries.flatMap(([, name, kind, url]) => (kind === "url" ? [[name!, url!] as const] : [])));
  const readable = new Set(
    entries.flatMap(([, name, kind, path]) => (kind === "path" && SHIPS_READ.test(urls.get(name!) ?? "") ? [path!] : [])),
  );
  const empty = links.filter((path) => !readable.has(path));
  if (empty.length === 0) return null;
  const more = empty.length > NAMED ? ` and ${empty.length - NAMED} more` : "";
  const names = empty.slice(0, NAMED).map((path) => plain(path, { most: 200 }));
  return `the repository has submodules that stay empty on ships: ${names.join(", ")}${more}. A ship fills those whose address in .gitmodules begins with http:// or https:// and can be read without credentials\n  if a task needs them: give such addresses, and commit; or put the files into the repository itself`;
}

const SHIPS_READ = /^https?:\/\/[^\s/@]+\/\S*$/;
