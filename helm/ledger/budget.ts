import { usd } from "../../lib/base/text.ts";
import { HandSettings, type PlanTask } from "../../lib/plan/types.ts";
import { noteEvent } from "./events.ts";
import { planHandSettings } from "./hand-settings.ts";
import { type Ledger, parseTask, type TaskRecord } from "./ledger.ts";
import { overspent, runCount, spendOf, usageOf, voyageBudgetUsd } from "./spend.ts";

/**
 * Budgets, which bind the hand `claude` alone: no other hand spends. A task's budget counts over all of its runs,
 * whatever became of them; that of the voyage is `overspent` (helm/ledger/spend.ts).
 */

/** The budget of a task in USD: its own, else the one that the plan has for each task; undefined when there is none. */
export const budgetOf = (ledger: Ledger, row: TaskRecord): number | undefined => budgetsOf(ledger)(parseTask(row.body));

/** Tells the budget of each of many tasks, as {@link budgetOf} does. */
export function budgetsOf(ledger: Ledger): (task: Pick<PlanTask, "metadata">) => number | undefined {
  if (ledger.meta("hand") !== "claude") return () => undefined;
  const ofPlan = planHandSettings(ledger).budgetUsd;
  return ({ metadata }) => {
    const ofTask = metadata.claude === undefined ? undefined : HandSettings.safeParse(metadata.claude).data;
    return ofTask?.budgetUsd ?? ofPlan;
  };
}

/**
 * How much the runs of this task may still spend in USD, by its own budget and the voyage's, at least 0; undefined when
 * nothing bounds it.
 */
export function leftToSpend(ledger: Ledger, row: TaskRecord): number | undefined {
  const ofTask = budgetOf(ledger, row);
  const ofVoyage = voyageBudgetUsd(ledger);
  const left = [
    ...(ofTask === undefined ? [] : [ofTask - (usageOf(ledger, row.id)?.costUsd ?? 0)]),
    ...(ofVoyage === undefined ? [] : [ofVoyage - spendOf(ledger).costUsd]),
  ];
  return left.length === 0 ? undefined : Math.max(0, wholeMicros(Math.min(...left)));
}

/** Why a task is not granted whose budget is spent; null while something is left of it. */
export function whyTaskIsSpent(ledger: Ledger, row: TaskRecord): string | null {
  const budget = budgetOf(ledger, row);
  const used = budget === undefined ? undefined : usageOf(ledger, row.id);
  if (budget === undefined || !used || wholeMicros(budget - used.costUsd) > 0) return null;
  return `its budget of ${usd(budget)} is spent: ${usd(used.costUsd)} in ${runCount(ledger, row.id)} runs`;
}

/**
 * Blocks those of these tasks that are pending and whose budget is spent. It runs inside a write. Returns their ids.
 */
export function blockSpent(ledger: Ledger, rows: readonly (TaskRecord | undefined)[]): string[] {
  const blocked: string[] = [];
  for (const row of rows) {
    const why = row?.status === "pending" ? whyTaskIsSpent(ledger, row) : null;
    if (!row || !why) continue;
    const reason = row.reason ? `${why}; its last run: ${row.reason}` : why;
    ledger.store.run("UPDATE tasks SET status = 'blocked', reason = ?, changed_at = ? WHERE id = ?", reason, ledger.at(), row.id);
    noteEvent(ledger, "task-blocked", { task: row.id, epoch: row.epoch, reason });
    blocked.push(row.id);
  }
  return blocked;
}

/**
 * Blocks tasks whose budget is spent, until the next one to be granted has something left. It runs inside the write
 * that grants. Returns their ids.
 * @param later the tasks that are granted only when no other is free
 */
export function blockSpentBeforeGrant(ledger: Ledger, later: readonly string[]): string[] {
  const blocked: string[] = [];
  while (ledger.meta("hand") === "claude") {
    const [id] = blockSpent(ledger, [ledger.freeTask(later)]);
    if (id === undefined) break;
    blocked.push(id);
  }
  return blocked;
}

/** Why no task is granted and the hands at work end; null while the voyage's budget is not spent. */
export function whyVoyageIsSpent(ledger: Ledger): string | null {
  const over = overspent(ledger);
  if (!over) return null;
  return `the voyage's budget of ${usd(over.budgetUsd)} is spent: ${usd(over.costUsd)}`;
}

/**
 * Takes over the configured budget. Where it is another than before, the captain's earlier word holds no more. It runs
 * inside a write, as {@link sayBudget} does.
 */
export function configureBudget(ledger: Ledger, usd: number | undefined, isFirst: boolean): void {
  const text = String(usd ?? "");
  const before = holding(ledger);
  if ((ledger.meta("budgetUsd") ?? "") !== text) ledger.setMeta("budgetWord", "");
  ledger.setMeta("budgetUsd", text);
  noteBudget(ledger, isFirst ? holding(ledger) : before);
}

/** Takes the captain's word for the budget: it holds until the configured one changes; null takes it back. */
export function sayBudget(ledger: Ledger, usd: number | null): void {
  const before = holding(ledger);
  ledger.setMeta("budgetWord", String(usd ?? ""));
  noteBudget(ledger, before);
}

const holding = (ledger: Ledger): number | null => Number(ledger.meta("budgetWord") || ledger.meta("budgetUsd")) || null;

function noteBudget(ledger: Ledger, fromUsd: number | null): void {
  const toUsd = holding(ledger);
  if (fromUsd !== toUsd) noteEvent(ledger, "budget-changed", { data: { fromUsd, toUsd } });
  noteWhetherSpent(ledger);
}

/** Notes once that the voyage's budget is spent, until it is not any more. It runs inside a write. */
export function noteWhetherSpent(ledger: Ledger): void {
  const over = overspent(ledger);
  if (!!over === !!ledger.meta("budgetSpent")) return;
  ledger.setMeta("budgetSpent", over ? "1" : "");
  if (over) noteEvent(ledger, "budget-spent", { data: over });
}

/** Rounds to micro-dollars, in which Claude Code counts. */
const wholeMicros = (value: number) => Math.round(value * 1e6) / 1e6;
