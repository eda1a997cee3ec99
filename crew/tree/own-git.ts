import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TreeContext } from "./context.ts";
import { ensureFolder, removeAll } from "./files.ts";
import { type RunGit, unlessUnanswered } from "./git.ts";
import { MUTAGENS_OWN } from "./strays.ts";

/** After so many failures with a helm that answers, the crew's own clone is taken for broken. */
const DISTRUST_AT = 2;

/**
 * Makes the crew's own git directory where there is none, and removes the locks and half-written packs of git commands
 * that were killed. The caller must run no other git command in it at the same time.
 */
export async function ensureRepo(git: RunGit, repo: string): Promise<void> {
  if (!existsSync(join(repo, "HEAD"))) {
    mkdirSync(repo, { recursive: true });
    await git(["init", "--quiet", "--bare", "--template="], { cwd: repo });
  }
  const exclude = join(repo, "info", "exclude");
  if (!existsSync(exclude)) {
    mkdirSync(join(repo, "info"), { recursive: true });
    writeFileSync(exclude, `${MUTAGENS_OWN}*\n`);
  }
  for (const entry of readdirSync(repo, { withFileTypes: true }))
    if (entry.isFile() && entry.name.endsWith(".lock")) rmSync(join(repo, entry.name));
  for (const name of readdirSync(join(repo, "refs"), { recursive: true, encoding: "utf8" }))
    if (name.endsWith(".lock")) rmSync(join(repo, "refs", name));
  const packs = join(repo, "objects", "pack");
  if (existsSync(packs)) for (const name of readdirSync(packs)) if (name.startsWith("tmp_")) rmSync(join(packs, name));
}

/**
 * Removes the crew's own git directory, but for what no helm knows: for which claim the tree was made ready, and what
 * the plan's provision steps let git ignore.
 */
export async function forgetRepo({ ship: { repo }, notes }: TreeContext): Promise<void> {
  const exclude = join(repo, "info", "exclude");
  const excluded = existsSync(exclude) ? readFileSync(exclude) : null;
  const writeClaim = notes.carryClaim();
  await removeAll(repo);
  mkdirSync(join(repo, "info"), { recursive: true });
  if (excluded) writeFileSync(exclude, excluded);
  writeClaim();
}

/**
 * Fetches the voyage's branch into the crew's own git directory. Throws HelmAway, git's error, the signal's reason.
 *
 * @param anew whether a clone with which the fetch fails twice, while the helm answers, is made anew
 */
export async function fetchBranch(context: TreeContext, branch: string, signal: AbortSignal, anew = false): Promise<void> {
  const { ship, remote } = context;
  const git = context.git(signal);
  let distrusted = false;
  ensureFolder(ship.workspace);
  await remote.transfer(signal, async (failures) => {
    if (anew && failures === DISTRUST_AT && !distrusted) {
      distrusted = true;
      await forgetRepo(context);
    }
    await ensureRepo(git, ship.repo);
    await remote.fetchOnce(git, branch);
  });
}

/**
 * Makes sure that the crew's own git has a HEAD to compare the tree with: a claim may have been begun by another crew,
 * before there was such a git directory, or after somebody has taken it away.
 *
 * @param base the commit that HEAD becomes where there is none
 */
export async function ensureHead(context: TreeContext, base: string, signal: AbortSignal): Promise<void> {
  const { repo, workspace, config } = context.ship;
  const git = context.git(signal);
  if (!existsSync(join(repo, "HEAD"))) await fetchBranch(context, config.stack, signal);
  await ensureRepo(git, repo);
  ensureFolder(workspace);
  if (await git(["rev-parse", "--verify", "--quiet", "HEAD"]).catch(unlessUnanswered)) return;
  await git(["update-ref", "--no-deref", "HEAD", base]);
  await git(["read-tree", base]);
}
