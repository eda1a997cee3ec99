import { existsSync } from "node:fs";
import { join } from "node:path";
import { git, gitLine } from "../../lib/git/run.ts";

/**
 * Moves the captain's checkout to the branch's tip, only forward and only when it is clean: a person's edits and
 * commits there are left alone, and so is another branch. Nothing of the repository runs.
 */
export async function moveWorkspace(workspace: string, branch: string): Promise<void> {
  if (!existsSync(join(workspace, ".git"))) return;
  const here = { cwd: workspace, timeoutMs: 5 * 60_000 };
  if ((await gitLine(["symbolic-ref", "--quiet", "--short", "HEAD"], { ...here, okCodes: [0, 1] })) !== branch) return;
  // Submodules are ignored: a status of one would run what it is configured to.
  if (await gitLine(["status", "--porcelain", "--ignore-submodules=all", "--untracked-files=no"], here)) return;
  await git(["fetch", "--quiet", "--no-tags", "origin", `+refs/heads/${branch}:refs/remotes/origin/${branch}`], here);
  // Exit 1 or 128: not a fast-forward, or an untracked file is in the way.
  await git(["merge", "--quiet", "--ff-only", `refs/remotes/origin/${branch}`], { ...here, okCodes: [0, 1, 128] });
}
