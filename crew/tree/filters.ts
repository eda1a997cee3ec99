import { textOf } from "./files.ts";
import type { RunGit } from "./git.ts";
import { namesOf, shown } from "./names.ts";

/**
 * Filters that change a file on its way into the repository. The crew runs none of them, and has no store for what they
 * put elsewhere.
 */
const FOREIGN = new Set(["lfs", "git-crypt", "crypt"]);
/** The text that the filter lfs puts into the repository in place of the file; a tree may hold that text too. */
const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n/;

/**
 * Finds changed files that would be committed raw although `.gitattributes` gives them to such a filter. Returns a
 * sentence for the hand, or nothing.
 *
 * @param base the commit with which the index is compared
 */
export async function checkFilters(git: RunGit, base: string): Promise<string[]> {
  const bytes = { encoding: "latin1" } as const;
  const changed = split(
    await git(["diff-index", "--cached", "--name-only", "-z", "--diff-filter=d", "--no-renames", base], bytes),
  );
  if (changed.length === 0) return [];
  const input = changed.map((path) => `${path}\0`).join("");
  const answers = split(await git(["check-attr", "-z", "--stdin", "filter"], { ...bytes, input }));
  const found: string[] = [];
  for (let at = 0; at + 2 < answers.length; at += 3) {
    const [path, , filter] = answers.slice(at) as [string, string, string];
    if (!FOREIGN.has(filter)) continue;
    if (filter === "lfs" && POINTER.test(await git(["cat-file", "blob", `:${textOf(path)}`], bytes).catch(() => ""))) continue;
    found.push(`${shown(path)} (${filter})`);
  }
  if (found.length === 0) return [];
  return [
    `.gitattributes gives these files to a filter that a ship has not, so they would be committed raw: ${namesOf(found)}. Leave them as they were, or take the filter off in .gitattributes.`,
  ];
}

const split = (text: string) => text.split("\0").filter((field) => field !== "");
