import { existsSync, lstatSync } from "node:fs";
import { join } from "node:path";

/** git in the ship's clone, or in `cwd`. */
export type RunGit = (args: string[], options?: { input?: string; cwd?: string }) => Promise<string>;

/**
 * Paths of repositories inside the tree that no `.gitmodules` names and none of `bases` has: of those git stores a link to a commit that is nowhere
 * else, and no file. To be asked after `git add --all`, also when that failed (it does at a repository without a commit).
 */
export async function nestedRepos(git: RunGit, folder: string, bases: readonly string[]): Promise<string[]> {
  const found = new Set((await others(git)).filter((path) => path.endsWith("/")).map((path) => path.slice(0, -1)));
  const links = await Promise.all(bases.map((base) => newLinks(git, base)));
  for (const path of links[0] ?? []) if (links.every((paths) => paths.includes(path))) found.add(path);
  if (found.size > 0) for (const path of await submodules(git, folder)) found.delete(path);
  return [...found].sort();
}

/** Why a task that made them has failed, and what helps. */
export const aboutNested = (paths: readonly string[]) =>
  `a git repository lies inside the tree: ${paths.join(", ")}. Git would keep a link to it and none of its files. Remove its .git folder, list it in .gitignore, or make it a submodule (.gitmodules).`;

/** The files below `path`, a repository in the tree, as paths of the tree; those of repositories inside it too. */
export async function filesOfNested(git: RunGit, folder: string, path: string): Promise<string[]> {
  const at = join(folder, path);
  if (!existsSync(join(at, ".git"))) return [];
  const listed = await git(["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: at });
  const files: string[] = [];
  for (const name of new Set(split(listed).map((entry) => entry.replace(/\/$/, "")))) {
    const stat = lstatSync(join(at, name), { throwIfNoEntry: false });
    if (stat?.isDirectory()) files.push(...(await filesOfNested(git, folder, `${path}/${name}`)));
    else if (stat) files.push(`${path}/${name}`);
  }
  return files;
}

const split = (text: string) => text.split("\0").filter(Boolean);

const others = async (git: RunGit) => split(await git(["ls-files", "-z", "--others", "--exclude-standard"]));

/** Paths that the index has as links and `base` has not. */
async function newLinks(git: RunGit, base: string): Promise<string[]> {
  const fields = split(await git(["diff-index", "--cached", "--raw", "-z", "--no-renames", base]));
  return fields.flatMap((field, at) => (/^:(?!160000)\d{6} 160000 /.test(field) ? [fields[at + 1]!] : []));
}

async function submodules(git: RunGit, folder: string): Promise<string[]> {
  if (!existsSync(join(folder, ".gitmodules"))) return [];
  const named = ["config", "--file", ".gitmodules", "-z", "--get-regexp", "^submodule\\..*\\.path$"];
  return split(await git(named).catch(() => "")).map((entry) => entry.slice(entry.indexOf("\n") + 1));
}
