import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readAgentsGit } from "./agents-git.ts";
import { bytesOf, textOf } from "./files.ts";
import type { RunGit } from "./git.ts";
import type { Link } from "./indexed.ts";
import { namesOf, shown } from "./names.ts";
import { becomeFiles, filesOfNested } from "./nested-repos.ts";

/** The tree, the crew's git directory, and a path beside which temporary folders may be made. */
type Ask = { folder: string; repo: string; scratch: string };

/**
 * Checks the submodules of the index and returns a sentence, for the hand, about each that cannot be delivered. Git
 * stores a link to a commit of a submodule, and no file; so what lies in one, or a link that was changed, is delivered
 * only when that commit can be had from where `.gitmodules` says, by somebody who has the voyage's branch alone. A
 * folder that is no submodule any more becomes plain files.
 *
 * @param before the links of the commits that the work builds on, by path
 */
export async function checkSubmodules(
  git: RunGit,
  ask: Ask,
  links: readonly Link[],
  before: ReadonlyMap<string, string>,
): Promise<string[]> {
  if (links.length === 0) return [];
  const addresses = await addressesOf(git, ask.folder);
  const wrong: string[] = [];
  for (const { path, commit } of links) {
    const folder = join(ask.folder, textOf(path));
    const isEmpty = !isFolder(folder) || readdirSync(folder).length === 0;
    const own = existsSync(join(folder, ".git")) ? readAgentsGit(folder) : null;
    if (!isEmpty && !own && before.has(path) && !addresses.has(path)) {
      await becomeFiles(git, ask.folder, textOf(path));
      continue;
    }
    if (!isEmpty && !own)
      wrong.push(
        `${shown(path)} is a submodule that is not initialised here, so what lies in it would not be delivered: ${named(await filesOfNested(git, ask.folder, textOf(path)))}. Put it elsewhere, or change the submodule where it comes from.`,
      );
    if (own?.head) {
      const changed = await differing(git, ask, folder, own.head, own.objects);
      if (changed.length > 0)
        wrong.push(
          `in the submodule ${shown(path)} files differ from its commit, and would not be delivered: ${named(changed)}. Commit and push them where the submodule comes from, or take them back.`,
        );
    }
    if (before.get(path) !== commit) {
      const why = await whyNotHad(git, ask, addresses.get(path), commit);
      if (why)
        wrong.push(
          `the submodule ${shown(path)} is at commit ${commit.slice(0, 10)}, which nobody else can have: ${why}. Push it there first, or set the submodule back.`,
        );
    }
  }
  return wrong;
}

const named = (paths: readonly string[]) => namesOf(paths.map(shown));
const isFolder = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Returns the paths (byte strings) of the submodules in which something lies that is not in the commit of `before`. */
export async function changedSubmodules(
  git: RunGit,
  ask: Omit<Ask, "scratch">,
  links: readonly Link[],
  before: ReadonlyMap<string, string>,
): Promise<string[]> {
  const found: string[] = [];
  for (const { path } of links) {
    const folder = join(ask.folder, textOf(path));
    if (!isFolder(folder) || readdirSync(folder).length === 0) continue;
    const own = existsSync(join(folder, ".git")) ? readAgentsGit(folder) : null;
    const isSame = own?.head && own.head === before.get(path);
    if (!isSame || (await differing(git, ask, folder, own.head!, own.objects)).length > 0) found.push(path);
  }
  return found;
}

/**
 * Sets a submodule that a provision step or an agent has initialised to the commit of its link. Returns its git
 * directory, or null when that is not possible: then nothing that lies there may stay.
 */
export async function restoreSubmodule(
  git: RunGit,
  { folder, repo }: Pick<Ask, "folder" | "repo">,
  link: Link,
): Promise<string | null> {
  const workTree = join(folder, textOf(link.path));
  const own = existsSync(join(workTree, ".git")) ? readAgentsGit(workTree) : null;
  if (!own) return null;
  const dir = dirname(own.objects);
  const options = { workTree, index: `${repo}/index-submodule`, borrow: own.objects };
  try {
    await git(["read-tree", link.commit], options);
    await git(["checkout-index", "--all", "--force"], options);
    await git(["clean", "--quiet", "-ffd"], options);
    writeFileSync(join(dir, "HEAD"), `${link.commit}\n`);
    return dir;
  } catch {
    return null;
  } finally {
    rmSync(options.index, { force: true });
  }
}

/** Lists the files of a submodule's tree that are not as in its commit. */
async function differing(
  git: RunGit,
  { repo }: Pick<Ask, "repo">,
  workTree: string,
  commit: string,
  objects: string,
): Promise<string[]> {
  const options = { workTree, index: `${repo}/index-submodule`, borrow: objects, encoding: "latin1" } as const;
  try {
    await git(["read-tree", commit], options);
    await git(["add", "--all"], options);
    return (await git(["diff-index", "--cached", "--name-only", "-z", commit], options)).split("\0").filter(Boolean);
  } finally {
    rmSync(options.index, { force: true });
  }
}

/** An address that a ship can ask without anybody's credentials. */
export const ASKABLE = /^https?:\/\/[^\s/@]+\/\S*$/;

/** Reads `.gitmodules`: the address of each submodule, or "", by its path (a byte string). */
export async function addressesOf(git: RunGit, folder: string): Promise<Map<string, string>> {
  if (!existsSync(join(folder, ".gitmodules"))) return new Map();
  const listed = await git(["config", "--file", ".gitmodules", "-z", "--get-regexp", "^submodule\\..*\\.(path|url)$"]).catch(
    () => "",
  );
  const [paths, urls] = [new Map<string, string>(), new Map<string, string>()];
  for (const entry of listed.split("\0").filter(Boolean)) {
    const [, name = "", kind, value = ""] = /^submodule\.(.*)\.(path|url)\n([\s\S]*)$/.exec(entry) ?? [];
    (kind === "path" ? paths : urls).set(name, value);
  }
  return new Map([...paths].map(([name, path]) => [bytesOf(path), urls.get(name) ?? ""]));
}

/** Says why a commit cannot be had at `address`; null when it can. */
async function whyNotHad(git: RunGit, { scratch }: Ask, address: string | undefined, commit: string): Promise<string | null> {
  if (address === undefined) return ".gitmodules does not name it";
  if (!ASKABLE.test(address))
    return `its address in .gitmodules (${shown(address.replace(/\/\/[^/@]*@/, "//…@"))}) is none that can be asked from here`;
  const cwd = mkdtempSync(`${scratch}-submodule-`);
  try {
    // The fetch goes into a new repository, so that nothing which is here already stands in for the commit.
    await git(["init", "--quiet", "--bare", "--template="], { cwd });
    const fetch = (...what: string[]) => git(["fetch", "--quiet", "--no-tags", address, ...what], { cwd, seconds: 120 });
    await fetch("--depth=1", commit).catch(() => fetch("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"));
    await git(["cat-file", "-e", `${commit}^{commit}`], { cwd });
    return null;
  } catch (error) {
    return `it is not at ${shown(address)}, or that cannot be read from here (${(error as Error).message.split("\n")[0]})`;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
