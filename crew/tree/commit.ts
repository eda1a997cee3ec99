import { existsSync } from "node:fs";
import { join } from "node:path";
import { lendObjects, readAgentsGit } from "./agents-git.ts";
import type { TreeContext } from "./context.ts";
import { bytesOf, isFile, textOf } from "./files.ts";
import { checkFilters } from "./filters.ts";
import { type RunGit, unlessUnanswered } from "./git.ts";
import { whyHeadMoved } from "./head-check.ts";
import { indexed, linksOf } from "./indexed.ts";
import { namesOf, shown } from "./names.ts";
import { aboutNested, nestedRepos } from "./nested-repos.ts";
import { ensureHead } from "./own-git.ts";
import { lookForStrays } from "./strays.ts";
import { checkSubmodules } from "./submodules.ts";
import { TreeUnready } from "./unready.ts";

/**
 * How often the tree is looked at before something in it is called wrong: the mirror may write a file between two
 * looks.
 */
const LOOKS = 2;
/** What git says when its own repository or the disk is at fault, and not what lies in the tree. */
const OWN_FAULT = /No space left|repository database|index file (corrupt|smaller|open)|new index file|\.lock'|corrupt|bad object/;

/**
 * A commit of the tree. `ignored` names what the task has made and is in no commit, because git ignores it or can hold
 * no such thing (a socket); a folder stands for what is in it.
 */
export type Committed = { commit: string; ignored: string[] };

/**
 * Commits the tree as it lies, as **one** commit on `parents`, whatever a hand committed or branched meanwhile, and
 * also when nothing changed.
 *
 * @throws Error, for the hand, with all findings: HEAD was moved to where `parents` are not, or something lies in the
 * tree that would be neither in the commit nor ignored; TreeUnready when git itself fails
 */
export async function commitTree(
  context: TreeContext,
  parents: string[],
  message: string,
  signal: AbortSignal,
): Promise<Committed> {
  const git = context.git(signal);
  await ensureHead(context, parents[0]!, signal);
  await refuseMovedHead(context, git, parents, signal);
  let staged = await stage(context, git, parents);
  for (let look = 1; look < LOOKS && staged.wrong.length > 0; look++) staged = await stage(context, git, parents);
  signal.throwIfAborted();
  if (staged.wrong.length > 0) throw new Error(staged.wrong.join("\n"));
  const tree = await git(["write-tree"]);
  const options = parents.flatMap((parent) => ["-p", parent]);
  const commit = await git(["commit-tree", tree, ...options, "-F", "-"], { input: message });
  await git(["update-ref", "--no-deref", "HEAD", commit]);
  const before = new Set(context.notes.ignored);
  return { commit, ignored: staged.ignored.filter((path) => !before.has(path)).map(shown) };
}

async function refuseMovedHead(
  { ship }: TreeContext,
  git: RunGit,
  parents: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const agent = readAgentsGit(ship.workspace);
  // In a tree without a .git nothing but files can have been changed.
  if (agent === null) return;
  const moved = await whyHeadMoved(git, agent, parents).catch((error) => {
    signal.throwIfAborted();
    throw new TreeUnready(error);
  });
  signal.throwIfAborted();
  if (moved === null) return;
  lendObjects(ship.workspace, ship.repo);
  throw new Error(moved);
}

/** Brings all that lies in the tree into the index. `wrong` says, for the hand, why that is not all. */
async function stage(
  { ship: { workspace, repo, scratch } }: TreeContext,
  git: RunGit,
  parents: readonly string[],
): Promise<{ wrong: string[]; ignored: string[] }> {
  const said = await git(["add", "--all", "--ignore-errors"]).then(
    () => "",
    (error: Error) => {
      if (OWN_FAULT.test(error.message)) throw new TreeUnready(error);
      return error.message;
    },
  );
  await addForced(git, workspace);
  const wrong: string[] = [];
  // These look and change nothing, so they run side by side.
  const [nested, { links, paths: before }, filtered] = await Promise.all([
    nestedRepos(git, workspace, parents),
    indexed(git),
    checkFilters(git, parents.at(-1)!),
  ]);
  if (nested.length > 0) wrong.push(aboutNested(nested));
  const others = links.filter(({ path }) => !nested.includes(textOf(path)));
  if (others.length > 0)
    wrong.push(...(await checkSubmodules(git, { folder: workspace, repo, scratch }, others, await linksOf(git, parents))));
  wrong.push(...filtered);
  // The look at submodules may have changed the index.
  const paths = others.length > 0 ? (await indexed(git)).paths : before;
  const { strays, ignored } = await lookForStrays(git, workspace, [...paths, ...nested.map(bytesOf)]);
  if (strays.unreadable.length > 0) wrong.push(aboutUnreadable(strays.unreadable));
  if (strays.files.length > 0 || (said && nested.length === 0)) wrong.push(aboutFiles(strays.files, said));
  return { wrong, ignored: [...ignored, ...strays.special] };
}

/** Adds the files that git ignores and the agent has added to its own index all the same. */
async function addForced(git: RunGit, folder: string): Promise<void> {
  const bytes = { encoding: "latin1" } as const;
  const index = join(folder, ".git", "index");
  if (!existsSync(index)) return;
  const asked = ["ls-files", "-z", "--cached", "--ignored", "--exclude-standard"];
  const forced = (await git(asked, { ...bytes, index }).catch(unlessUnanswered)).split("\0").filter(Boolean);
  if (forced.length === 0) return;
  const there = forced.filter((path) => isFile(`${bytesOf(folder)}/${path}`));
  await git(["update-index", "--add", "-z", "--stdin"], { ...bytes, input: there.map((path) => `${path}\0`).join("") });
}

/** Tells whether anything lies in the tree, ignored files apart, that `commit` has not. */
export async function differsFrom(context: TreeContext, commit: string, signal: AbortSignal): Promise<boolean> {
  const git = context.git(signal);
  await ensureHead(context, commit, signal);
  await git(["add", "--all"]);
  return (await git(["write-tree"])) !== (await git(["rev-parse", `${commit}^{tree}`]));
}

const aboutUnreadable = (paths: readonly string[]) =>
  `what lies in these folders cannot be read, and would not be delivered: ${namesOf(paths.map(shown))}. Make them readable (chmod u+rwx), remove them, or list them in .gitignore.`;
const aboutFiles = (paths: readonly string[], said: string) =>
  `${paths.length > 0 ? `git does not take in ${namesOf(paths.map(shown))}` : "git does not take in all that lies in the tree"}, so it would not be delivered${said && `: ${said}`}`;
