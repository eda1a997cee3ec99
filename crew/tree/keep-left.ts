import { copyFileSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HelmAway } from "../helm/halt.ts";
import { PUSHED, type TreeContext } from "./context.ts";
import { ensureFolder } from "./files.ts";
import type { RunGit } from "./git.ts";
import { namesOf } from "./names.ts";
import { ensureRepo } from "./own-git.ts";
import { findUnsavedBeside, findUnsavedWork, type Saved } from "./unsaved-work.ts";

/**
 * Saves what lies in the tree and in its `.git` and is nowhere else as `refs/ships/<ship>/left-<task>-<epoch>`, named
 * after the claim that the tree was last made ready for. Throws HelmAway when there is something to save and the helm
 * does not answer: then the tree must stay as it is. Any other failure is noted and is no reason to stop: a ship whose
 * disk is full, or whose tree the helm refuses, must get on.
 *
 * @param base the tip, with which a clone without a commit is compared
 */
export async function saveLeft(context: TreeContext, base: string, signal: AbortSignal): Promise<void> {
  const { repo, workspace, config } = context.ship;
  if (!existsSync(repo)) return;
  await keep(context, signal, async (git, claim, earlier) => {
    await ensureRepo(git, repo);
    ensureFolder(workspace);
    const index = join(repo, "index");
    const own = `${index}-left`;
    rmSync(own, { force: true });
    if (existsSync(index)) copyFileSync(index, own);
    const message = `What ${config.ship} left of ${claim}, not delivered\n`;
    const ask = { repo, folder: workspace, base, earlier, pushed: PUSHED, message };
    return findUnsavedWork((args, options) => git(args, { index: own, ...options }), ask);
  });
}

/**
 * Saves what the `.git` in the tree holds beside `delivered`, the commit that the tree became: stashes, branches, tags.
 * Returns a sentence about it for people, or "" when there is nothing. Throws HelmAway.
 */
export async function saveAside(context: TreeContext, delivered: string, signal: AbortSignal): Promise<string> {
  const { repo, workspace, config } = context.ship;
  const saved = await keep(context, signal, (git, claim, earlier) => {
    const message = `What ${config.ship} left of ${claim} beside what it delivered\n`;
    return findUnsavedBeside(git, { repo, folder: workspace, delivered, earlier, message });
  });
  return saved ? `not delivered, but kept as ${saved.ref}: ${namesOf(saved.names)}` : "";
}

async function keep(
  { ship, journal, remote, notes, git: gitUntil }: TreeContext,
  signal: AbortSignal,
  find: (git: RunGit, claim: string, earlier: string) => Promise<Saved | null>,
): Promise<{ ref: string; names: string[] } | null> {
  const git = gitUntil(signal);
  const { claim } = notes;
  const [ref, earlier] = [`refs/ships/${ship.config.ship}/left-${claim}`, `refs/remotes/ships/left-${claim}`];
  try {
    const saved = await find(git, claim, earlier);
    if (!saved) return null;
    const { commit, names } = saved;
    await git(["update-ref", `refs/left/${claim}`, commit]);
    await remote.push(git, commit, ref, signal);
    await git(["update-ref", earlier, commit]);
    const more = names.length > 0 ? `, with ${namesOf(names)}` : "";
    journal.note("left", `what was not delivered is kept as ${ref}${more}`, { ref, commit, names });
    return { ref, names };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HelmAway) throw error;
    journal.note("left-lost", `what lies in the tree was not saved as ${ref}: ${(error as Error).message}`, { ref });
    return null;
  }
}
