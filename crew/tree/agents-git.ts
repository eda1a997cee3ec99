import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { removeAll } from "./files.ts";

/**
 * What the `.git` in the tree holds. It is the agent's: the crew reads from it what the agent has committed, writes it
 * anew at each claim, and does all its own work with a git directory of its own (docs/adr/the-crews-own-git.md). It is
 * read as plain files, since its configuration is the agent's and must not count.
 */
export type AgentsGit = {
  /** The commit of HEAD; null where HEAD is on a branch without a commit. */
  head: string | null;
  /** The commit that is being merged; null when none is. */
  merging: string | null;
  /** Other commits that it keeps: of branches, tags, stashes, and HEADs of other work trees. */
  others: { name: string; commit: string }[];
  /** The path of its folder of objects. */
  objects: string;
};

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
/** The most refs of a `.git` that are looked at. */
const MOST_REFS = 10_000;

/** Reads the `.git` in `tree`; null when there is none, or none that can be read. */
export function readAgentsGit(tree: string): AgentsGit | null {
  try {
    const dir = gitDirOf(tree);
    const head = read(dir, "HEAD")!.trim();
    const packed = packedRefs(dir);
    const [, ref] = /^ref: (refs\/\S+)$/.exec(head) ?? [];
    if (ref === undefined && !COMMIT.test(head)) return null;
    const merging = read(dir, "MERGE_HEAD")?.split("\n")[0] ?? "";
    return {
      head: ref === undefined ? head : (commitIn(dir, ref) ?? packed.get(ref) ?? null),
      merging: COMMIT.test(merging) ? merging : null,
      others: othersIn(dir, packed).slice(0, MOST_REFS),
      objects: join(dir, "objects"),
    };
  } catch {
    return null;
  }
}

/** Returns the folder that `.git` leads to: it may be a file that names another one. */
function gitDirOf(tree: string): string {
  const at = join(tree, ".git");
  if (statSync(at).isDirectory()) return realpathSync(at);
  const [, path = ""] = /^gitdir: (.+)$/m.exec(readFileSync(at, "utf8")) ?? [];
  return realpathSync(resolve(tree, path));
}

function othersIn(dir: string, packed: Map<string, string>): AgentsGit["others"] {
  const found: AgentsGit["others"] = [];
  const add = (name: string, commit: string | null | undefined) => {
    if (commit && COMMIT.test(commit)) found.push({ name, commit });
  };
  const loose = filesBelow(dir, "refs");
  for (const ref of new Set([...packed.keys(), ...loose])) add(named(ref), commitIn(dir, ref) ?? packed.get(ref));
  // The ref of a stash is the last one alone; the others are in its log.
  for (const line of (read(dir, "logs/refs/stash") ?? "").split("\n")) add("a stash", line.split(" ")[1]);
  for (const tree of filesBelow(dir, "worktrees").filter((file) => file.endsWith("/HEAD")))
    add("HEAD of another work tree", read(dir, tree)?.trim());
  return found;
}

const named = (ref: string) =>
  ref === "refs/stash"
    ? "a stash"
    : ref.replace(/^refs\/(heads|tags)\//, (_, kind) => (kind === "heads" ? "branch " : "tag ")).replace(/[^\x20-\x7e]/g, "?");

function packedRefs(dir: string): Map<string, string> {
  const lines = (read(dir, "packed-refs") ?? "").split("\n").flatMap((line) => {
    const [, commit, ref] = /^(\w+) (refs\/\S+)$/.exec(line) ?? [];
    return commit && ref ? [[ref, commit] as const] : [];
  });
  return new Map(lines);
}

function filesBelow(dir: string, below: string): string[] {
  const found: string[] = [];
  for (const folders = [below]; folders.length > 0 && found.length < MOST_REFS; ) {
    const folder = folders.pop()!;
    if (!existsSync(join(dir, folder))) continue;
    for (const entry of readdirSync(join(dir, folder), { withFileTypes: true })) {
      if (entry.isDirectory()) folders.push(`${folder}/${entry.name}`);
      else if (entry.isFile()) found.push(`${folder}/${entry.name}`);
    }
  }
  return found;
}

const commitIn = (dir: string, ref: string) => {
  const text = read(dir, ref)?.trim() ?? "";
  return COMMIT.test(text) ? text : null;
};

function read(dir: string, file: string): string | null {
  try {
    return readFileSync(join(dir, file), "utf8");
  } catch {
    return null;
  }
}

/** What the agent's `.git` is to show of the crew's repository. */
export type Shown = {
  /** The crew's git directory, whose objects are read, and whose index and exclude file are copied. */
  repo: string;
  /** The branch that HEAD is on. */
  branch: string;
  head: string;
  /** Other refs that the agent finds, with their commits. */
  refs?: Record<string, string>;
};

/**
 * Makes the `.git` in `tree` anew: nothing stays of what was there, but for the submodules' git directories of `keep`.
 *
 * @param keep git directories of submodules that are as they should be
 */
export async function makeAgentsGit(tree: string, shown: Shown, keep: readonly string[] = []): Promise<void> {
  const dir = join(tree, ".git");
  const kept = join(shown.repo, "modules");
  await removeAll(kept);
  mkdirSync(kept);
  const isFolder = lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const inside = isFolder ? keep.filter((module) => module.startsWith(`${join(realpathSync(dir), "modules")}/`)) : [];
  for (const [nth, module] of inside.entries()) renameSync(module, join(kept, String(nth)));
  await removeAll(dir);
  for (const folder of ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "hooks"])
    mkdirSync(join(dir, folder), { recursive: true });
  const settings = ["repositoryformatversion = 0", "filemode = true", "bare = false", "logallrefupdates = true"];
  writeFileSync(join(dir, "config"), `[core]\n${settings.map((setting) => `\t${setting}\n`).join("")}`);
  writeFileSync(join(dir, "HEAD"), `ref: refs/heads/${shown.branch}\n`);
  for (const [ref, commit] of Object.entries({ ...shown.refs, [`refs/heads/${shown.branch}`]: shown.head }))
    writeRef(dir, ref, commit);
  lend(dir, shown.repo);
  copyFileSync(join(shown.repo, "info", "exclude"), join(dir, "info", "exclude"));
  copyFileSync(join(shown.repo, "index"), join(dir, "index"));
  for (const [nth, module] of inside.entries()) {
    mkdirSync(dirname(module), { recursive: true });
    renameSync(join(kept, String(nth)), module);
  }
}

/** Lets the agent's git read the crew's objects, also where the agent has begun it anew. Quiet where there is none. */
export function lendObjects(tree: string, repo: string): void {
  const dir = join(tree, ".git");
  if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory()) lend(dir, repo);
}

function lend(dir: string, repo: string): void {
  mkdirSync(join(dir, "objects", "info"), { recursive: true });
  writeFileSync(join(dir, "objects", "info", "alternates"), `${join(repo, "objects")}\n`);
}

/**
 * Sets the agent's git so that `commit` is being merged into `shown.head`, at which its branch then is: the agent can
 * look, go on, or put the merge away without losing its own work. Its other branches and its stashes stay.
 */
export async function showMerge(tree: string, shown: Shown, commit: string): Promise<void> {
  const dir = join(tree, ".git");
  try {
    if (!lstatSync(dir).isDirectory()) throw new Error("no folder");
    const [, branch] = /^ref: (refs\/heads\/\S+)$/m.exec(readFileSync(join(dir, "HEAD"), "utf8")) ?? [];
    for (const lock of ["HEAD.lock", "index.lock", `${branch}.lock`]) rmSync(join(dir, lock), { force: true });
    if (branch) writeRef(dir, branch, shown.head);
    else writeFileSync(join(dir, "HEAD"), `${shown.head}\n`);
    lend(dir, shown.repo);
    copyFileSync(join(shown.repo, "index"), join(dir, "index"));
  } catch {
    await makeAgentsGit(tree, shown);
  }
  writeFileSync(join(dir, "MERGE_HEAD"), `${commit}\n`);
  writeFileSync(join(dir, "MERGE_MSG"), `Merge commit '${commit}'\n`);
  writeFileSync(join(dir, "MERGE_MODE"), "no-ff");
}

function writeRef(dir: string, ref: string, commit: string): void {
  mkdirSync(dirname(join(dir, ref)), { recursive: true });
  writeFileSync(join(dir, ref), `${commit}\n`);
}
