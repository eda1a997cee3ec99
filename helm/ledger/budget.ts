import { usd } from "../../lib/base/text.ts";
import { HandSettings } from "../../lib/plan/types.ts";
import { type Ledger, parseTask, type TaskRecord } from "./ledger.ts";

/**
 * What money is left for. Budgets bind the hand `claude` alone: no other hand spends. The voyage's is the ledger's `overspent`, a task's is here and
 * counts over all of its runs, whatever became of them.
 */

/** The budget of a task: its own, else the plan's for each task. USD; undefined when there is none. */
export function budgetOf(ledger: Ledger, row: TaskRecord, task = parseTask(row.body)): number | undefined {
  if (ledger.meta("hand") !== "claude") return undefined;
  const ofTask = HandSettings.safeParse(task.metadata.claude).data;
  return ofTask?.budgetUsd ?? (JSON.parse(ledger.meta("claude") || "{}") as HandSettings).budgetUsd;
}

/** USD that the runs of this task may still spend, by its own budget and the voyage's; at least 0. undefined: no bound. */
export function leftToSpend(ledger: Ledger, row: TaskRecord): number | undefined {
  const ofTask = budgetOf(ledger, row);
  const ofVoyage = ledger.budgetUsd();
  const left = [
    ...(ofTask === undefined ? [] : [ofTask - (ledger.usage(row.id)?.costUsd ?? 0)]),
    ...(ofVoyage === undefined ? [] : [ofVoyage - ledger.spend().costUsd]),
  ];
  return left.length === 0 ? undefined : Math.max(0, wholeMicros(Math.min(...left)));
}

/** What a task has spent beyond its budget: why it is not granted. null while something is left. */
export function whyTaskIsSpent(ledger: Ledger, row: TaskRecord): string | null {
  const budget = budgetOf(ledger, row);
  const used = budget === undefined ? undefined : ledger.usage(row.id);
  if (budget === undefined || !used || wholeMicros(budget - used.costUsd) > 0) return null;
  return `its budget of ${usd(budget)} is spent: ${usd(used.costUsd)} in ${ledger.runCount(row.id)} runs`;
}

/** Blocks those of these tasks that are pending and whose budget is spent. Returns their ids. Inside a write. */
export function blockSpent(ledger: Ledger, rows: readonly (TaskRecord | undefined)[]): string[] {
  const blocked: string[] = [];
  for (const row of rows) {
    const why = row?.status === "pending" ? whyTaskIsSpent(ledger, row) : null;
    if (!row || !why) continue;
    const reason = row.reason ? `${why}; its last run: ${row.reason}` : why;
    ledger.store.run("UPDATE tasks SET status = 'blocked', reason = ?, changed_at = ? WHERE id = ?", reason, ledger.at(), row.id);
    blocked.push(row.id);
  }
  return blocked;
}

/** Blocks spent tasks until the next one to be granted is none of them. Inside the write that grants. Returns their ids. */
export function blockSpentBeforeGrant(ledger: Ledger): string[] {
  const blocked: string[] = [];
  while (ledger.meta("hand") === "claude") {
    const [id] = blockSpent(ledger, [ledger.freeTask()]);
    if (id === undefined) break;
    blocked.push(id);
  }
  return blocked;
}

/** Why no task is granted and running hands end; null while the voyage has money. */
export function whyVoyageIsSpent(ledger: Ledger): string | null {
  const over = ledger.overspent();
  if (!over) return null;
  return `the voyage's budget of ${usd(over.budgetUsd)} is spent: ${usd(over.costUsd)}`;
}

/** Claude Code counts in micro-dollars. */
const wholeMicros = (value: number) => Math.round(value * 1e6) / 1e6;
