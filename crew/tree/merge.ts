import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { showMerge } from "./agents-git.ts";
import type { TreeContext } from "./context.ts";
import type { RunGit } from "./git.ts";

const MERGE = ["merge", "--quiet", "--no-commit", "--no-ff"];

/** Merges `tip` into the tree, without a commit. Returns false, with the tree as it was, when texts conflict. */
export async function mergeCleanly(context: TreeContext, tip: string, signal: AbortSignal): Promise<boolean> {
  const git = context.git(signal);
  try {
    await git([...MERGE, tip]);
  } catch {
    await git(["merge", "--abort"]);
    return false;
  }
  await showInAgentsGit(context, git, tip);
  return true;
}

/**
 * Merges `tip` into the tree as far as that goes and leaves what conflicts to the hand, with git's marks in the texts.
 * Returns the files in conflict; none when it went through. Throws what git says when it cannot begin, as with a file
 * in the way.
 */
export async function mergeForHand(context: TreeContext, tip: string, signal: AbortSignal): Promise<string[]> {
  const git = context.git(signal);
  let files: string[] = [];
  try {
    await git([...MERGE, tip]);
  } catch (error) {
    signal.throwIfAborted();
    if (!existsSync(join(context.ship.repo, "MERGE_HEAD"))) throw error;
    files = lines(await git(["diff", "--name-only", "--diff-filter=U", "-z"]));
  }
  await showInAgentsGit(context, git, tip);
  return files;
}

/**
 * Shows the merge in the agent's git as one under way. In the crew's own git what was merged is plain files until they
 * are committed.
 */
async function showInAgentsGit({ ship }: TreeContext, git: RunGit, tip: string): Promise<void> {
  const { repo, config, workspace } = ship;
  for (const file of ["MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE"]) rmSync(join(repo, file), { force: true });
  await showMerge(workspace, { repo, branch: config.ship, head: await git(["rev-parse", "HEAD"]) }, tip);
}

/** Returns those of `files` that still hold a conflict's marks. */
export async function unresolved(context: TreeContext, files: readonly string[], signal: AbortSignal): Promise<string[]> {
  const there = files.filter((file) => existsSync(join(context.ship.workspace, file)));
  if (there.length === 0) return [];
  const named = there.map((file) => `:(literal)${file}`);
  const looked = ["grep", "--no-index", "-lzE", "^(<<<<<<<|>>>>>>>) ", "--", ...named];
  const found = await context
    .git(signal)(looked)
    .catch(() => "");
  signal.throwIfAborted();
  return lines(found);
}

const lines = (text: string) => text.split("\0").filter(Boolean);
