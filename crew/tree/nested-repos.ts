import { existsSync } from "node:fs";
import { join } from "node:path";
import { bytesOf, entriesOf } from "./files.ts";
import type { RunGit } from "./git.ts";

/**
 * Finds repositories inside the tree that no `.gitmodules` names and none of `bases` has, and returns their paths: git
 * would store a link to a commit that is nowhere else, and no file of them. To be called after `git add --all`, also
 * when that failed, as it does at a repository without a commit.
 */
export async function nestedRepos(git: RunGit, folder: string, bases: readonly string[]): Promise<string[]> {
  const [unknown, ...links] = await Promise.all([others(git), ...bases.map((base) => newLinks(git, base))]);
  const found = new Set(unknown.filter((path) => path.endsWith("/")).map((path) => path.slice(0, -1)));
  for (const path of links[0] ?? []) if (links.every((paths) => paths.includes(path))) found.add(path);
  if (found.size > 0) for (const path of await submodules(git, folder)) found.delete(path);
  return [...found].sort();
}

/** Says, for the hand, why they cannot be delivered and what helps. */
export const aboutNested = (paths: readonly string[]) =>
  `a git repository lies inside the tree: ${paths.join(", ")}. Git would keep a link to it and none of its files. Remove its .git folder, list it in .gitignore, or make it a submodule (.gitmodules).`;

/**
 * Lists the files below `path`, a repository in the tree, with those of repositories inside it, as paths of the tree in
 * byte strings. What its own .gitignore leaves out is left out; its git directory is not read.
 */
export async function filesOfNested(git: RunGit, folder: string, path: string): Promise<string[]> {
  const workTree = join(folder, path);
  if (!existsSync(workTree)) return [];
  // With an index that is not there, everything in the folder is a file that git does not know.
  const options = { workTree, index: join(folder, path, ".git", "no-index"), encoding: "latin1" as const };
  const files: string[] = [];
  for (const name of split(await git(["ls-files", "-z", "--others", "--exclude-standard"], options))) {
    if (!name.endsWith("/")) files.push(`${bytesOf(path)}/${name}`);
    else files.push(...filesBelow(bytesOf(folder), `${bytesOf(path)}/${name.slice(0, -1)}`));
  }
  return files;
}

function filesBelow(folder: string, path: string): string[] {
  return entriesOf(`${folder}/${path}`).flatMap((entry) => {
    if (entry.name === ".git") return [];
    const at = `${path}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(folder, at) : entry.isFile() || entry.isSymbolicLink() ? [at] : [];
  });
}

/** Replaces the link at `path` in the index by the files that lie there. */
export async function becomeFiles(git: RunGit, folder: string, path: string): Promise<void> {
  await git(["update-index", "--force-remove", "--", path]);
  const input = (await filesOfNested(git, folder, path)).map((file) => `${file}\0`).join("");
  await git(["update-index", "--add", "-z", "--stdin"], { input, encoding: "latin1" });
}

const split = (text: string) => text.split("\0").filter(Boolean);

const others = async (git: RunGit) => split(await git(["ls-files", "-z", "--others", "--exclude-standard"]));

/** Lists the paths that the index has as links and `base` has not. */
async function newLinks(git: RunGit, base: string): Promise<string[]> {
  const fields = split(await git(["diff-index", "--cached", "--raw", "-z", "--no-renames", base]));
  return fields.flatMap((field, at) => (/^:(?!160000)\d{6} 160000 /.test(field) ? [fields[at + 1]!] : []));
}

async function submodules(git: RunGit, folder: string): Promise<string[]> {
  if (!existsSync(join(folder, ".gitmodules"))) return [];
  const named = ["config", "--file", ".gitmodules", "-z", "--get-regexp", "^submodule\\..*\\.path$"];
  return split(await git(named).catch(() => "")).map((entry) => entry.slice(entry.indexOf("\n") + 1));
}
