import type { AgentsGit } from "./agents-git.ts";
import { type RunGit, unlessUnanswered } from "./git.ts";

/**
 * Says, for the hand, why the tree may not be committed on `parents`; null when it may. A tree stands on the commit of
 * its HEAD. When that commit does not hold a parent, because the hand has checked out an older commit or put away what
 * the crew had merged in, the tree as it lies would undo that parent's work, and merge without a conflict. A commit
 * that the hand has made on top, on whatever branch, holds the parent.
 *
 * A tip whose commit was amended counts as moved too, though no harm is in it: it cannot be told from a commit made on
 * an older one.
 *
 * @param parents the first is what the hand's work builds on; others were merged into the tree and need not be
 * committed yet
 */
export async function whyHeadMoved(
  run: RunGit,
  agent: Pick<AgentsGit, "head" | "merging" | "objects">,
  parents: readonly string[],
): Promise<string | null> {
  // It stands where it was put.
  if (parents.length === 1 && agent.head === parents[0]) return null;
  const git = (args: string[]) => run(args, { borrow: agent.objects });
  const commitAt = (name: string | null) =>
    name === null ? "" : git(["rev-parse", "--verify", "--quiet", `${name}^{commit}`]).catch(unlessUnanswered);
  const [head, merging] = [await commitAt(agent.head), await commitAt(agent.merging)];
  const missing: string[] = [];
  for (const [nth, parent] of parents.entries()) {
    const ends = [head, nth > 0 ? merging : ""].filter(Boolean);
    if (await git(["rev-list", "--max-count=1", parent, "--not", ...ends])) missing.push(parent);
  }
  if (missing.length === 0) return null;
  const at = head ? await git(["show", "--no-patch", "--format=%h (%s)", head]) : "no commit";
  const merges = missing.map((commit) => `git merge --no-edit --allow-unrelated-histories ${commit}`);
  return `HEAD was moved: it is at ${at} and does not hold ${missing.map((commit) => commit.slice(0, 10)).join(" and ")}, on which this task builds. Delivered like this, your tree would undo work that is accepted. To keep what you have written, and have that work again:

  git add --all; git commit --message="my work"; ${merges.join(" && ")}

Resolve what conflicts and commit it, and see that the tree is as it should be.`;
}
