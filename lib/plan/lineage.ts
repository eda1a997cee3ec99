import { fitOrThrow } from "../base/check-input.ts";
import type { TaskStatus } from "../protocol/status.ts";
import { byId } from "./graph.ts";
import { readLedger } from "./read-ledger.ts";
import { type Plan, PlanTask } from "./types.ts";

/** What a voyage's ledger says of the plan that it has sailed so far. */
export type Lineage = {
  name: string;
  /** Every task that was ever granted, with its text at its last grant and what has become of it. */
  granted: { task: PlanTask; status: TaskStatus; commit: string | null }[];
  /** Every task that was added beside the plan. */
  followUps: PlanTask[];
};

/**
 * Reads the lineage from the ledger's file. Returns null when there is no ledger, or nothing of a plan in it.
 *
 * @param ledger  The path of the file, which a helm may have open.
 * @throws OcaptainError LEDGER when it cannot be read
 */
export function readLineage(ledger: string): Lineage | null {
  return readLedger(ledger, (file) => {
    const name = file.meta("name");
    if (!name) return null;
    const granted = file.granted().map(({ body, status, commit }) => ({
      task: taskOf(body),
      status: status as TaskStatus,
      commit,
    }));
    return { name, granted, followUps: file.followUps().map(taskOf) };
  });
}

const taskOf = (json: string): PlanTask =>
  fitOrThrow(PlanTask, JSON.parse(json), (why) => new Error(`a task in it does not fit: ${why}`));

/**
 * The tasks of a plan that have the number of a task which was added beside it, each with that one. The voyage's ledger
 * takes no such plan.
 */
export function takenNumbers(plan: Plan, { followUps }: Lineage): { task: PlanTask; followUp: PlanTask }[] {
  const taken = new Map(followUps.map((followUp) => [Number(followUp.id), followUp]));
  return plan.tasks.flatMap((task) => {
    const followUp = taken.get(Number(task.id));
    return followUp ? [{ task, followUp }] : [];
  });
}

/**
 * In what a plan differs from the voyage's: `renamed` when it has another name, and in `others` the done tasks whose
 * ids now stand for something else.
 */
export type AnotherPlan = { renamed: boolean; others: { id: string; was: string; is: string }[] };

/**
 * Tells whether a plan is another one than the voyage's, and not a later text of the same; null when it is the same. As
 * long as no task was granted, any plan counts as the same. A done task may be edited. But one with another subject and
 * hardly a word in common with what was done is another task, which would wrongly pass for done.
 */
export function anotherPlan(plan: Plan, lineage: Lineage): AnotherPlan | null {
  if (lineage.granted.length === 0) return null;
  const beside = new Set(lineage.followUps.map(({ id }) => id));
  const now = new Map(plan.tasks.map((task) => [task.id, task]));
  const others = lineage.granted
    .filter(({ status, task }) => status === "accepted" && !beside.has(task.id))
    .flatMap(({ task }) => {
      const is = now.get(task.id);
      return is && isAnotherTask(task, is) ? [{ id: task.id, was: task.subject, is: is.subject }] : [];
    })
    .sort((a, b) => byId(a.id, b.id));
  const renamed = plan.name !== lineage.name;
  return renamed || others.length > 0 ? { renamed, others } : null;
}

/** The share of common words below which two tasks are taken for different things. */
const ALIKE = 0.3;

function isAnotherTask(was: PlanTask, is: PlanTask): boolean {
  if (was.subject === is.subject || (was.description.trim() && was.description === is.description)) return false;
  const [a, b] = [wordsOf(was), wordsOf(is)];
  const common = [...a].filter((word) => b.has(word)).length;
  return common / Math.max(1, Math.min(a.size, b.size)) < ALIKE;
}

/**
 * A word of four letters or more, as shorter ones are in every text; or one character of a script that sets no spaces.
 */
const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}]{4,}/gu;
const wordsOf = ({ subject, description }: PlanTask) => new Set(`${subject} ${description}`.toLowerCase().match(WORD) ?? []);
