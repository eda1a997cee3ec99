import { HandSettings, type PlanTask } from "../../lib/plan/types.ts";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import { leftToSpend } from "./budget.ts";
import { planHandSettings } from "./hand-settings.ts";
import { type Ledger, parseTask, type TaskRecord } from "./ledger.ts";

const DEFAULT_TIMEOUT_SECONDS = 1800;

/** What a ship is told with a claim. It is the same each time that the ship asks while the claim lasts. */
export function grantOf(ledger: Ledger, row: TaskRecord): Grant {
  const task = parseTask(row.body);
  const delivered = task.blockedBy.flatMap((id) => {
    const blocker = ledger.task(id);
    if (blocker?.status !== "accepted" || !blocker.commit_id) return [];
    return [{ task: id, subject: parseTask(blocker.body).subject, commit: blocker.commit_id, summary: blocker.summary ?? "" }];
  });
  const { id, subject, description, activeForm, blockedBy, metadata } = task;
  return {
    task: { id, subject, description, ...(activeForm === undefined ? {} : { activeForm }), blockedBy, metadata },
    epoch: row.epoch,
    tip: row.grant_tip!,
    check: checkOf(task),
    timeoutSeconds: positive(metadata.timeoutSeconds) ?? planTaskSeconds(ledger) ?? DEFAULT_TIMEOUT_SECONDS,
    delivered,
    ...(ledger.meta("hand") === "claude" && forClaude(ledger, row, task)),
  };
}

/**
 * What only the hand `claude` is told. The spec is not part of it: it is added to each answer, so that it is not stored
 * with each.
 */
function forClaude(ledger: Ledger, row: TaskRecord, task: PlanTask): Partial<Grant> {
  const ofTask = HandSettings.safeParse(task.metadata.claude).data ?? {};
  const session = ledger.session(row.id, row.epoch);
  const answers = ledger.answers(row.id);
  const left = leftToSpend(ledger, row);
  return {
    hand: { ...planHandSettings(ledger), ...ofTask, ...(left !== undefined && { budgetUsd: left }) },
    ...(session && { session }),
    ...(answers.length > 0 && { answers }),
    ...(row.reason && { lastReason: row.reason }),
    ...(ledger.meta("orders") && { orders: true }),
  };
}

/** How long a task may take by the plan's own `timeoutSeconds`. */
const planTaskSeconds = (ledger: Ledger) => positive(Number(ledger.meta("timeoutSeconds")));

/** The shell command that must succeed before the task's commit is accepted; null when the task has none. */
export const checkOf = (task: PlanTask): string | null =>
  typeof task.metadata.check === "string" && task.metadata.check !== "" ? task.metadata.check : null;

/** The value, where it is a number above 0. */
export const positive = (value: unknown): number | undefined => (typeof value === "number" && value > 0 ? value : undefined);
