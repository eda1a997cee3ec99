import { OcaptainError } from "../../../lib/base/errors.ts";
import { mergeTrees } from "../../../lib/git/merge.ts";
import { git, gitLine } from "../../../lib/git/run.ts";
import { topologicalOrder } from "../../../lib/plan/graph.ts";
import type { TaskRow } from "../../../lib/protocol/status.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { TaskCommit } from "../history.ts";
import type { Head, ShapeAsk, Waves } from "./heads.ts";

/** A chain of more pull requests is nobody's wish. */
const MOST_WAVES = 30;

/** Finds the wave of each task by what it waits for. */
export function wavesOf(tasks: readonly Pick<TaskRow, "id" | "blockedBy">[]): Waves {
  const ids = new Set(tasks.map(({ id }) => id));
  const nodes = tasks.map(({ id, blockedBy }) => ({ id, blockedBy: blockedBy.filter((blocker) => ids.has(blocker)) }));
  const blockers = new Map(nodes.map(({ id, blockedBy }) => [id, blockedBy]));
  const waves = new Map<string, number>();
  for (const id of topologicalOrder(nodes))
    waves.set(id, Math.max(0, ...blockers.get(id)!.map((blocker) => waves.get(blocker) ?? 0)) + 1);
  return waves;
}

/** The task commits of each wave, in the branch's order; a task that no plan knows any more comes last. */
export function commitsByWave(tasks: readonly TaskCommit[], waves: Waves): TaskCommit[][] {
  const last = Math.max(1, ...tasks.map(({ task }) => waves.get(task) ?? 1));
  const groups = new Map<number, TaskCommit[]>();
  for (const commit of tasks) {
    const wave = waves.get(commit.task) ?? last;
    groups.set(wave, [...(groups.get(wave) ?? []), commit]);
  }
  return [...groups.keys()].sort((a, b) => a - b).map((wave) => groups.get(wave)!);
}

/**
 * Puts the tasks' commits onto the base again, a wave after the other, and so makes the heads of a stack. The last one
 * has the tree that was verified: what no task's commit holds, as merges of the base, is a last commit.
 * @throws OcaptainError STACK when a commit cannot be put before another, or the chain would be too long
 */
export async function stackOfWaves({ file, folder }: KnownVoyage, ask: ShapeAsk): Promise<Head[]> {
  const { branch, base, held, history } = ask;
  const gitDir = folder.repo;
  const groups = commitsByWave(history.tasks, ask.waves);
  const refuse = (why: string) =>
    new OcaptainError("STACK", `a stack cannot be made of ${file.stack}: ${why}`, {
      hint: `ocaptain land ${file.stack} --per-task  # or --squash`,
    });
  if (groups.length > MOST_WAVES) throw refuse(`its graph has ${groups.length} waves, and a chain has ${MOST_WAVES} at most`);
  const heads: Head[] = [];
  let at = held;
  for (const [nth, group] of groups.entries()) {
    for (const commit of group) {
      const picked = await pick(gitDir, commit, at);
      if ("files" in picked)
        throw refuse(
          `task ${commit.task} was done on top of tasks of later waves, and without them it is in conflict in ${picked.files.slice(0, 5).join(", ")}`,
        );
      at = picked.commit;
    }
    if (nth === groups.length - 1) at = await completed(gitDir, at, history.tip, file.voyageId);
    const below = heads.at(-1)?.branch ?? base;
    heads.push({ branch: `${branch}/${nth + 1}`, head: at, base: below, wave: nth + 1, tasks: group.map(({ task }) => task) });
  }
  return heads;
}

/** Puts what a commit changes onto another one, with its author, message and times. */
async function pick(
  gitDir: string,
  { commit, parent }: TaskCommit,
  onto: string,
): Promise<{ commit: string } | { files: string[] }> {
  if (parent === onto) return { commit };
  const bare = { gitDir };
  // A merge has the base that the history says. This one is to be the commit's parent, so a history is made that says
  // so; `merge-tree --merge-base` is younger (2.40) than the git that is asked for.
  const bend = (tree: string, ...parents: string[]) =>
    gitLine(["commit-tree", `${tree}^{tree}`, ...parents.flatMap((each) => ["-p", each]), "-m", "bent"], bare);
  const below = await bend(parent);
  const { tree, files } = await mergeTrees(gitDir, await bend(onto, below), await bend(commit, below));
  if (files.length > 0) return { files };
  const fields = ["%an", "%ae", "%ad", "%cd", "%B"];
  const shown = await git(
    ["show", "--no-patch", "--no-show-signature", "--date=raw", `--format=${fields.join("%x00")}`, commit],
    bare,
  );
  const [name = "", email = "", date = "", committed = "", message = ""] = shown.stdout.split("\0");
  return { commit: await commitTree(gitDir, { tree, parent: onto, name, email, date, committed, message }) };
}

/** The commit, or one on top of it that has the tree of `tip`. */
async function completed(gitDir: string, at: string, tip: string, voyageId: string): Promise<string> {
  const bare = { gitDir };
  const trees = await gitLine(["rev-parse", `${at}^{tree}`, `${tip}^{tree}`], bare);
  const [mine, tree = ""] = trees.split("\n");
  if (mine === tree) return at;
  const date = await gitLine(["show", "--no-patch", "--no-show-signature", "--format=%cd", "--date=raw", tip], bare);
  const message = `What merges and others have changed besides the tasks\n\nVoyage: ${voyageId}\n`;
  return commitTree(gitDir, { tree, parent: at, name: "", email: "", date, committed: date, message });
}

type NewCommit = { tree: string; parent: string; name: string; email: string; date: string; committed: string; message: string };

const commitTree = (gitDir: string, { tree, parent, name, email, date, committed, message }: NewCommit): Promise<string> =>
  gitLine(["commit-tree", tree, "-p", parent, "-F", "-"], {
    gitDir,
    stdin: message,
    env: {
      ...(name && { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email }),
      ...{ GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: committed },
    },
  });
