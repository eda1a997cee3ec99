import type { TaskRow } from "../state/model.ts";

/** Spend over time: what all that was done had cost by then, in US dollars. */
export type Point = { at: number; usd: number };

/**
 * The voyage's spend over time, from what its tasks have used: a task's cost counts at its last change, and the whole
 * sum now. What was used beside the tasks (trials of ships) counts at the beginning.
 */
export function spendOverTime(rows: readonly TaskRow[], total: number, startedAt: number, now: number): Point[] {
  const steps = rows
    .filter(({ usage, status }) => usage && usage.costUsd > 0 && status !== "claimed")
    .map(({ usage, changedAt }) => ({ at: Math.min(now, Math.max(startedAt, Date.parse(changedAt))), usd: usage!.costUsd }))
    .sort((a, b) => a.at - b.at);
  const ended = steps.reduce((sum, { usd }) => sum + usd, 0);
  const running = rows.reduce((sum, { status, usage }) => sum + (status === "claimed" ? (usage?.costUsd ?? 0) : 0), 0);
  let sum = Math.max(0, total - ended - running);
  const points = [{ at: startedAt, usd: sum }];
  for (const step of steps) {
    sum += step.usd;
    points.push({ at: step.at, usd: sum });
  }
  points.push({ at: now, usd: total });
  return points;
}

export type Forecast = {
  /** What the whole voyage will have cost, if the tasks that are left cost as much as those that are done. */
  totalUsd: number;
  /** When the last task ends, if they end as fast as in the last part of the time; null where nothing has ended. */
  endsAt: number | null;
  /** When the budget is spent, by the same; null where it is not. */
  budgetAt: number | null;
};

/** How many tasks must be done before the next are judged by them. */
const ENOUGH = 2;

/** What is to be expected; null where too little is done for a guess, or nothing is left. */
export function forecast(
  rows: readonly TaskRow[],
  { costUsd, budgetUsd }: { costUsd: number; budgetUsd: number | null },
  points: readonly Point[],
  now: number,
): Forecast | null {
  const done = rows.filter(({ status }) => status === "accepted");
  const left = rows.filter(({ status }) => status !== "accepted" && status !== "cancelled");
  if (done.length < ENOUGH || left.length === 0 || costUsd <= 0) return null;
  const mean = done.reduce((sum, { usage }) => sum + (usage?.costUsd ?? 0), 0) / done.length;
  const rest = left.reduce((sum, { usage }) => sum + Math.max(0, mean - (usage?.costUsd ?? 0)), 0);
  const totalUsd = costUsd + rest;
  const from = points[0]?.at ?? now;
  const perMs = now > from ? costUsd / (now - from) : 0;
  const when = (usd: number) => (perMs > 0 && usd > costUsd ? now + (usd - costUsd) / perMs : null);
  const budgetAt = budgetUsd !== null && totalUsd > budgetUsd ? when(budgetUsd) : null;
  return { totalUsd, endsAt: when(totalUsd), budgetAt };
}
