import { copyFileSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HelmAway } from "../helm/halt.ts";
import { makeAgentsGit } from "./agents-git.ts";
import type { TreeContext } from "./context.ts";
import { bytesOf, ensureFolder, openAll, removeAll, textOf, unfreeze } from "./files.ts";
import type { RunGit } from "./git.ts";
import { indexed, type Link } from "./indexed.ts";
import { initialiseSubmodules } from "./initialise.ts";
import { saveLeft } from "./keep-left.ts";
import { namesOf, shown } from "./names.ts";
import { fetchBranch, forgetRepo } from "./own-git.ts";
import { lookForStrays } from "./strays.ts";
import { restoreSubmodule } from "./submodules.ts";
import { TreeUnready } from "./unready.ts";

/**
 * Fetches `branch` and sets the tree to `commit`, which the branch holds: tracked files become as committed, untracked
 * ones are removed. Ignored files stay: they are caches (node_modules, build output) that cost minutes, and no result,
 * since only what git sees is committed. What would be lost is saved first. When it fails the tree is mended, and when
 * that is of no use the crew's own git is made anew.
 *
 * @param distrusted whether the crew's own git is made anew at once
 * @throws TreeUnready, HelmAway, the signal's reason
 */
export async function resetTree(
  context: TreeContext,
  { branch, commit, distrusted }: { branch: string; commit: string; distrusted: boolean },
  signal: AbortSignal,
): Promise<void> {
  const ways = [async () => {}, () => mend(context), () => beginAnew(context, commit, signal)];
  for (let way = distrusted ? ways.length - 1 : 0; ; way++) {
    try {
      await ways[way]!();
      await fetchBranch(context, branch, signal, true);
      await resetTo(context, branch, commit, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HelmAway) throw error;
      const { message } = error as Error;
      if (way === ways.length - 1 || /No space left/.test(message)) throw new TreeUnready(error as Error);
      const next = way === 0 ? "it is mended" : "the crew's git directory is made anew";
      context.journal.note("tree", `the tree was not made ready: ${message}; ${next}`);
    }
  }
}

/** A commit by its name, which git looks for when HEAD is set to it. */
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

async function resetTo(context: TreeContext, branch: string, ref: string, signal: AbortSignal): Promise<void> {
  const { repo, workspace, config } = context.ship;
  const git = context.git(signal);
  await saveLeft(context, ref, signal);
  const commit = COMMIT.test(ref) ? ref : await git(["rev-parse", "--verify", `${ref}^{commit}`]);
  await git(["update-ref", "--no-deref", "HEAD", commit]);
  const { paths, links, modules } = await toHead(context, git);
  const { strays, ignored } = await lookForStrays(git, workspace, paths);
  for (const path of [...strays.special, ...strays.gits]) await removeAll(join(workspace, textOf(path)));
  const stays = [...strays.unreadable, ...strays.files];
  if (stays.length > 0) throw new Error(`what lies in the tree cannot be removed: ${namesOf(stays.map(shown))}`);
  const refs = { [`refs/remotes/origin/${branch}`]: commit };
  await makeAgentsGit(workspace, { repo, branch: config.ship, head: commit, refs }, modules);
  if (links.length > 0) await fillSubmodules(context, git, workspace, signal);
  context.notes.write(ignored);
}

/** Fills the submodules of `folder` that are empty; what could not be had is noted in the journal. */
export async function fillSubmodules({ journal }: TreeContext, git: RunGit, folder: string, signal: AbortSignal): Promise<void> {
  for (const wrong of await initialiseSubmodules(git, folder, signal)) journal.note("submodule", wrong);
}

/**
 * Sets tracked files as committed and removes all others that are not ignored, also from the folders of submodules.
 * Returns the tracked paths (byte strings), the submodules among them, and the git directories of those that are as
 * they should be.
 */
async function toHead({ ship }: TreeContext, git: RunGit): Promise<{ paths: string[]; links: Link[]; modules: string[] }> {
  await git(["reset", "--quiet", "--hard"]);
  await git(["clean", "--quiet", "-ffd"]);
  const { paths, links } = await indexed(git);
  const modules: string[] = [];
  for (const link of links) {
    const folder = join(ship.workspace, textOf(link.path));
    const module = await restoreSubmodule(git, { folder: ship.workspace, repo: ship.repo }, link);
    if (module !== null) modules.push(module);
    else if (existsSync(folder)) for (const name of readdirSync(folder)) await removeAll(join(folder, name));
  }
  return { paths, links, modules };
}

/**
 * Gives the crew back the folders and files that an agent has locked against it; the index is read anew from the files.
 */
async function mend({ ship: { workspace, repo } }: TreeContext): Promise<void> {
  ensureFolder(workspace);
  await unfreeze(workspace);
  openAll(bytesOf(workspace));
  rmSync(join(repo, "index"), { force: true });
}

/** Saves what the tree holds and removes the crew's own git directory, so that all of it is fetched once more. */
async function beginAnew(context: TreeContext, commit: string, signal: AbortSignal): Promise<void> {
  await saveLeft(context, commit, signal);
  await mend(context);
  await forgetRepo(context);
}

/**
 * Sets the tree back to its commit after the plan's provision steps. Returns the files and folders that git did not
 * know and did not ignore; they are removed, ignored ones stay.
 */
export async function backToCommit(context: TreeContext, signal: AbortSignal): Promise<string[]> {
  const { workspace, repo } = context.ship;
  const git = context.git(signal);
  // What a step lets git ignore is the plan's wish and lasts; what a task adds to its own list does not.
  const [from, to] = [join(workspace, ".git"), repo].map((dir) => join(dir, "info", "exclude"));
  if (existsSync(from!)) copyFileSync(from!, to!);
  const listed = await git(["ls-files", "--others", "--exclude-standard", "--directory", "-z"]);
  await toHead(context, git);
  return listed.split("\0").filter(Boolean);
}
