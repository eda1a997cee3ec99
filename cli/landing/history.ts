import { OcaptainError } from "../../lib/base/errors.ts";
import { git } from "../../lib/git/run.ts";
import { readBranch } from "../../lib/git/voyage-repo.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";

/** A commit on a voyage's branch with which a task was accepted. */
export type TaskCommit = { commit: string; parent: string; task: string; ship: string; subject: string };

/** A commit on a voyage's branch, which a person or a merge may have brought. */
export type BranchCommit = Omit<TaskCommit, "task" | "ship"> & { task: string | null; ship: string | null };

/**
 * The history of a voyage's branch: the commit that it began from, its tip, and its tasks' commits, the oldest first.
 * `commits` are all that came since the start, each on the one before it. `base` is the newest commit of the branch
 * where the voyage lands that its own holds: the start, until that was merged in.
 */
export type History = { start: string; base: string; tip: string; tasks: TaskCommit[]; commits: BranchCommit[] };

/** A history of 10,000 tasks has some 2 MB in this form. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Reads the history of a voyage's branch along its first parents. A commit is a task's when its trailers, which the
 * helm writes and no ship can, name this voyage.
 * @throws OcaptainError NO_BRANCH
 */
export async function historyOf({ file, folder }: KnownVoyage): Promise<History> {
  const tip = await readBranch(folder.repo, file.stack);
  if (!tip)
    throw new OcaptainError("NO_BRANCH", `the voyage's repository has no branch ${file.stack}`, {
      hint: `ocaptain status ${file.stack}`,
    });
  const trailer = (key: string) => `%(trailers:key=${key},valueonly,separator=%x2C)`;
  const fields = ["%H", "%P", trailer("Voyage"), trailer("Task"), trailer("Ship"), "%s"];
  const { stdout } = await git(["log", "-z", "--first-parent", `--format=${fields.join("%x1f")}`, tip, "--"], {
    gitDir: folder.repo,
    mostBytes: MOST_BYTES,
  });
  let merged: string | undefined; // The log begins with the newest.
  const all = stdout.split("\0").map((line): BranchCommit => {
    const [commit = "", parents = "", voyage, task = "", ship = "", subject = ""] = line.split("\x1f");
    const [parent = "", base] = parents.split(" ");
    if (voyage === file.voyageId) merged ??= base;
    const isTask = voyage === file.voyageId && task !== "" && parent !== "";
    return { commit, parent, task: isTask ? task : null, ship: isTask ? ship : null, subject };
  });
  const commits = all.slice(0, all.findLastIndex(({ task }) => task !== null) + 1).reverse();
  const tasks = commits.filter((each): each is TaskCommit => each.task !== null);
  const start = tasks[0]?.parent ?? tip;
  return { start, base: merged ?? start, tip, tasks, commits };
}

/**
 * The commit with which a task was accepted.
 * @throws OcaptainError NO_COMMIT
 */
export function commitOf({ tasks }: History, text: string, stack: string): TaskCommit {
  const id = text.replace(/^#/, "");
  const found = tasks.findLast(({ task }) => task === id);
  if (found) return found;
  throw new OcaptainError("NO_COMMIT", `branch ${stack} has no commit of a task "${id}"`, {
    hint: `ocaptain tasks ${stack} -s accepted`,
  });
}
