import { type Basis, type Counts, MOST_USED, type Usage } from "../../lib/protocol/ship-reports.ts";
import type { Ledger, TaskRecord } from "./ledger.ts";

// What the runs of hands have used, summed by task, by ship and for the voyage, and whether that is all it may spend.

/** What all runs of a task have used; undefined when there was none. */
export function usageOf(ledger: Ledger, task: string): Usage | undefined {
  const sum = ledger.store.one<Sum>(`SELECT ${SUMS} FROM runs WHERE task = ? GROUP BY task`, task);
  return sum && told(sum);
}

/** What all runs of each task have used, as {@link usageOf} tells it of one; tasks without a run are not in it. */
export function usageByTask(ledger: Ledger): Map<string, Usage> {
  const rows = ledger.store.all<Sum & { task: string }>(`SELECT task, ${SUMS} FROM runs WHERE task IS NOT NULL GROUP BY task`);
  return new Map(rows.map(({ task, ...sum }) => [task, told(sum)]));
}

export function runCount(ledger: Ledger, task: string): number {
  return ledger.store.one<{ n: number }>("SELECT count(*) AS n FROM runs WHERE task = ?", task)!.n;
}

/** The pending tasks for which something was spent. */
export function pendingWithRuns(ledger: Ledger): TaskRecord[] {
  return ledger.store.all("SELECT * FROM tasks WHERE status = 'pending' AND id IN (SELECT task FROM runs)");
}

/** What all runs of the voyage have used, those of ships that are gone too. */
export function spendOf(ledger: Ledger): Usage {
  return told(ledger.store.one<Sum>(`SELECT ${SUMS} FROM runs`)!);
}

/** What the runs of each ship have used; ships that have spent nothing are not in it. */
export function spendByShip(ledger: Ledger): Record<string, Usage> {
  const rows = ledger.store.all<Sum & { ship: string }>(`SELECT ship, ${SUMS} FROM runs JOIN lives USING (life) GROUP BY ship`);
  return Object.fromEntries(rows.map(({ ship, ...sum }) => [ship, told(sum)]));
}

type Sum = Counts & { basis: Basis | null };
const told = ({ basis, ...counts }: Sum): Usage => ({ ...counts, ...(basis && { basis }) });

/**
 * The budget of the voyage in USD: the captain's word at the helm, else the configured one; undefined when there is
 * none, or its hand spends nothing.
 */
export function voyageBudgetUsd(ledger: Ledger): number | undefined {
  const budget = ledger.meta("budgetWord") || ledger.meta("budgetUsd");
  return budget && ledger.meta("hand") === "claude" ? Number(budget) : undefined;
}

/**
 * What is configured as the voyage's budget, where the captain's word holds in its place; undefined where none does.
 */
export function outvotedBudgetUsd(ledger: Ledger): number | null | undefined {
  if (!ledger.meta("budgetWord") || ledger.meta("hand") !== "claude") return undefined;
  const configured = ledger.meta("budgetUsd");
  return configured ? Number(configured) : null;
}

/** What the voyage has spent, once that has reached its budget; undefined before. */
export function overspent(ledger: Ledger): { costUsd: number; budgetUsd: number } | undefined {
  const budgetUsd = voyageBudgetUsd(ledger);
  if (budgetUsd === undefined) return undefined;
  const { costUsd } = spendOf(ledger);
  return costUsd >= budgetUsd ? { costUsd, budgetUsd } : undefined;
}

/**
 * Where a sum is known from (Basis of lib/protocol/ship-reports.ts). A run that tells of no models is of an earlier
 * crew, which tells Claude Code's own count.
 */
const BASIS = `CASE WHEN count(*) = 0 THEN NULL ELSE CASE max(coalesce(
  (SELECT max(CASE basis WHEN 'unknown' THEN 2 WHEN 'derived' THEN 1 ELSE 0 END) FROM run_models WHERE run_models.run = runs.run), 0))
  WHEN 2 THEN 'unknown' WHEN 1 THEN 'derived' ELSE 'reported' END END AS basis`;

/**
 * The sums over runs. A row of an earlier helm may hold what no run can have used: it counts for as much as one may
 * tell now, so that no sum is beyond what a number can say. It is `total` and not `sum`, which ends in an error where
 * integers become too large.
 */
const SUMS = Object.entries({
  costUsd: ["cost_usd", false],
  inputTokens: ["input", true],
  outputTokens: ["output", true],
  cacheReadTokens: ["cache_read", true],
  cacheCreationTokens: ["cache_creation", true],
  turns: ["turns", true],
  seconds: ["seconds", false],
} satisfies Record<keyof Counts, [string, boolean]>)
  .map(([name, [column, whole]]) => {
    const most = MOST_USED[name as keyof Counts];
    const sum = `min(total(min(max(${column}, 0), ${most})), ${Number.MAX_SAFE_INTEGER})`;
    return `${whole ? `CAST(${sum} AS INTEGER)` : sum} AS ${name}`;
  })
  .concat(BASIS)
  .join(", ");
