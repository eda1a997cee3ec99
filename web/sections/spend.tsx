import { useComputed } from "@preact/signals";
import { counted, short, usd } from "../parts/number.ts";
import { clockTime, now } from "../state/clock.ts";
import { current, head, tasks, voyages } from "../state/store.ts";
import { type Forecast, forecast, spendOverTime } from "./forecast.ts";
import { Budget } from "./remedies.tsx";
import { Empty, Section } from "./section.tsx";
import { SpendChart } from "./spend-chart.tsx";

/** How often the chart is drawn anew. */
const EVERY_MS = 5_000;

/** What was spent, against the budget, and what is to be expected. */
export function Spend() {
  const tick = useComputed(() => Math.floor(now.value / EVERY_MS) * EVERY_MS);
  // Only what is shown here is listened to: a curve of a thousand tasks is not drawn anew with each change of a ship.
  const spend = useComputed(() => head.value?.spend).value;
  const state = useComputed(() => head.value?.state).value;
  const isOver = state === "sunk" || state === "verified" || state === "done";
  const createdAt = voyages.value?.find(({ id }) => id === current.value)?.createdAt;
  if (!spend || (spend.costUsd === 0 && spend.turns === 0))
    return (
      <Section id="spend" title="Spend">
        <Empty>
          Nothing is spent yet
          {state === "sunk" ? "" : ". What the hand claude uses is counted here, by Claude Code's own prices"}.
        </Empty>
        {spend?.budgetUsd !== null && spend !== null && spend !== undefined && (
          <p class="facts">The budget is {usd(spend.budgetUsd!)}.</p>
        )}
      </Section>
    );
  const rows = tasks.peek();
  const ends = isOver ? Math.max(...rows.map(({ changedAt }) => Date.parse(changedAt)), 0) || tick.value : tick.value;
  const starts = Math.min(ends, createdAt ? Date.parse(createdAt) : ends);
  const points = spendOverTime(rows, spend.costUsd, starts, ends);
  const expected = isOver ? null : forecast(rows, spend, points, ends);
  const share = spend.budgetUsd === null ? null : spend.costUsd / spend.budgetUsd;
  const perTask = spend.costUsd / Math.max(1, rows.filter(({ status }) => status === "accepted").length);
  const tokens = spend.inputTokens + spend.outputTokens + spend.cacheReadTokens + spend.cacheCreationTokens;
  return (
    <Section id="spend" title="Spend">
      <div class="spend-sums">
        <p>
          <strong class="sum num">{usd(spend.costUsd)}</strong>
          <span class="quietly">
            {spend.budgetUsd === null ? "spent, no budget" : `of ${usd(spend.budgetUsd)}, ${Math.round(share! * 100)} %`}
          </span>
        </p>
        <p>
          <strong class="sum num">{expected ? usd(expected.totalUsd) : "–"}</strong>
          <span class="quietly">{expected ? "forecast for all tasks" : "no forecast"}</span>
        </p>
        <p>
          <strong class="sum num">{usd(perTask)}</strong>
          <span class="quietly">an accepted task</span>
        </p>
        <p>
          <strong class="sum num">{short(tokens)}</strong>
          <span class="quietly">tokens, {counted(spend.turns, "turn")}</span>
        </p>
      </div>
      <p class="forecast">{sentence(expected, spend.budgetUsd, isOver)}</p>
      <SpendChart points={points} budgetUsd={spend.budgetUsd} expected={expected} />
      {!isOver && <Budget />}
    </Section>
  );
}

function sentence(expected: Forecast | null, budgetUsd: number | null, isOver: boolean): string {
  if (isOver) return "The voyage is at its end.";
  if (!expected) return "A forecast is made when two tasks are accepted and others are left.";
  const at = (time: number) => clockTime(new Date(time).toISOString()).slice(0, -3);
  if (expected.budgetAt !== null)
    return `At this rate the budget is spent at about ${at(expected.budgetAt)}, before the tasks are done: they would cost about ${usd(expected.totalUsd)}.`;
  const within = budgetUsd === null ? "" : ", within the budget";
  const ends = expected.endsAt === null ? "" : ` at about ${at(expected.endsAt)}`;
  return `At this rate the last task ends${ends}${within}.`;
}
