import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { OcaptainError } from "../base/errors.ts";
import type { TaskStatus } from "../protocol/status.ts";
import { byId } from "./graph.ts";
import { type Plan, PlanTask } from "./types.ts";

/** What a voyage's ledger says of the plan that it has sailed so far. */
export type Lineage = {
  name: string;
  /** Of each task that was ever granted: its text at its last grant, and what has become of it. */
  granted: { task: PlanTask; status: TaskStatus; commit: string | null }[];
};

/**
 * Read from the ledger's file itself, whether a helm has it open or not: a voyage that has sunk has none. null when there is no ledger, or nothing of a plan in it.
 * @throws OcaptainError LEDGER when it cannot be read
 */
export function readLineage(ledger: string): Lineage | null {
  if (!existsSync(ledger)) return null;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(ledger, { readOnly: true, timeout: 2_000 });
    if (!database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'tasks'").get()) return null;
    const name = database.prepare("SELECT value FROM meta WHERE key = 'name'").get()?.value;
    if (typeof name !== "string") return null;
    const rows = database.prepare("SELECT body, status, commit_id FROM tasks WHERE epoch > 0 ORDER BY position").all();
    const granted = rows.map(({ body, status, commit_id }) => ({
      task: PlanTask.parse(JSON.parse(String(body))),
      status: status as TaskStatus,
      commit: commit_id as string | null,
    }));
    return { name, granted };
  } catch (cause) {
    throw new OcaptainError("LEDGER", `the ledger ${ledger} cannot be read`, { cause });
  } finally {
    database?.close();
  }
}

/** How a plan is another one than the voyage's. `renamed`: it has another name. `others`: done tasks whose ids now stand for something else. */
export type AnotherPlan = { renamed: boolean; others: { id: string; was: string; is: string }[] };

/**
 * Is it another plan, and not a later text of the same? Nothing was done yet: then no plan is another. An edit of a done task keeps it; a task with
 * another subject and hardly a word in common with what was done is another task, and would pass for done.
 */
export function anotherPlan(plan: Plan, lineage: Lineage): AnotherPlan | null {
  if (lineage.granted.length === 0) return null;
  const now = new Map(plan.tasks.map((task) => [task.id, task]));
  const others = lineage.granted
    .filter(({ status }) => status === "accepted")
    .flatMap(({ task }) => {
      const is = now.get(task.id);
      return is && isAnotherTask(task, is) ? [{ id: task.id, was: task.subject, is: is.subject }] : [];
    })
    .sort((a, b) => byId(a.id, b.id));
  const renamed = plan.name !== lineage.name;
  return renamed || others.length > 0 ? { renamed, others } : null;
}

/** Below this share of common words two descriptions are of different things. */
const ALIKE = 0.3;

function isAnotherTask(was: PlanTask, is: PlanTask): boolean {
  if (was.subject === is.subject || (was.description.trim() && was.description === is.description)) return false;
  const [a, b] = [wordsOf(was), wordsOf(is)];
  const common = [...a].filter((word) => b.has(word)).length;
  return common / Math.max(1, Math.min(a.size, b.size)) < ALIKE;
}

/** Words of four letters and more, as the short ones are in every text; single characters of scripts that set no spaces. */
const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}]{4,}/gu;
const wordsOf = ({ subject, description }: PlanTask) => new Set(`${subject} ${description}`.toLowerCase().match(WORD) ?? []);
