import { OcaptainError } from "../../../lib/base/errors.ts";
import { plain } from "../../../lib/base/text.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import { type BranchCommit, commitOf, type History, historyOf } from "../history.ts";

/** A place on the branch: the commit on which the voyage began is 0, and each later one is counted from there. */
export type Place = { at: number; commit: string; task: string | null; ship: string | null; subject: string };

/** The branch as it is searched. */
export type SearchedBranch = { places: readonly Place[]; last: number; history: History };

/**
 * Reads the branch of a voyage, from the commit on which it began to its tip.
 * @throws OcaptainError NO_BRANCH; NO_TASKS when no task was accepted yet
 */
export async function readSearchedBranch(voyage: KnownVoyage): Promise<SearchedBranch> {
  const history = await historyOf(voyage);
  if (history.commits.length === 0)
    throw new OcaptainError("NO_TASKS", `branch ${voyage.file.stack} has no commit of a task, so that none can be to blame`, {
      hint: `ocaptain status ${voyage.file.stack}`,
    });
  const start: Place = { at: 0, commit: history.start, task: null, ship: null, subject: "" };
  const places = [start, ...history.commits.map((commit, index) => placeOf(commit, index + 1))];
  return { places, last: places.length - 1, history };
}

const placeOf = ({ commit, task, ship, subject }: BranchCommit, at: number): Place => ({ at, commit, task, ship, subject });

/** The place of a task's commit. @throws OcaptainError NO_COMMIT */
export function placeOfTask({ places, history }: SearchedBranch, task: string, stack: string): Place {
  const { commit } = commitOf(history, task, stack);
  return places.find((place) => place.commit === commit)!;
}

/** Names a place in a sentence: `task 7, "Add a parser"`. What an agent wrote is made harmless. */
export function nameOf({ at, commit, task, subject }: Place): string {
  if (at === 0) return "the commit on which the voyage began";
  const title = `"${plain(subject, { most: 80 })}"`;
  return task === null ? `commit ${commit.slice(0, 8)} of no task, ${title}` : `task ${task}, ${title}`;
}

/** The same in few words: `after task 7`. */
export function shortName({ at, commit, task }: Place): string {
  if (at === 0) return "before the first task";
  return task === null ? `at ${commit.slice(0, 8)}, of no task` : `after task ${task}`;
}
