import { randomUUID } from "node:crypto";
import { OcaptainError } from "../../lib/base/errors.ts";
import { byId } from "../../lib/plan/graph.ts";
import type { Plan, PlanChanges, PlanTask } from "../../lib/plan/types.ts";
import { noteEvent } from "./events.ts";
import { forgetLosses } from "./faults.ts";
import { type Ledger, parseTask } from "./ledger.ts";
import { bringStandings } from "./standings.ts";
import { taskText } from "./task-text.ts";

/**
 * What `plan` would change in the ledger; nothing is written. A blocked task whose text has changed counts as updated:
 * it gets its tries back.
 * @throws OcaptainError BAD_PLAN for a plan that has the number of a follow-up for a task of its own
 */
export function planChanges(ledger: Ledger, plan: Plan): PlanChanges {
  const followUps = ledger.followUps();
  assertFollowUps(ledger, followUps, plan);
  const changes: PlanChanges = { added: [], updated: [], cancelled: [], kept: [] };
  const known = new Map(ledger.tasks().map((row) => [row.id, row]));
  const open = [...followUps.keys()].filter((id) => OPEN.has(known.get(id)!.status)).sort(byId);
  for (const id of followUps.keys()) known.delete(id);
  for (const task of plan.tasks) {
    const row = known.get(task.id);
    known.delete(task.id);
    if (!row || row.status === "cancelled") changes.added.push(task.id);
    else if (row.planned !== taskText(task) || !row.in_plan) {
      const isFree = row.status === "pending" || row.status === "blocked";
      changes[isFree ? "updated" : "kept"].push(task.id);
    }
  }
  for (const row of known.values()) {
    if (!row.in_plan) continue;
    if (row.status === "pending" || row.status === "blocked") changes.cancelled.push(row.id);
    else changes.kept.push(row.id);
  }
  for (const list of Object.values(changes)) list.sort(byId);
  return { ...changes, ...(open.length > 0 && { followUps: open }) };
}

const OPEN: ReadonlySet<string> = new Set(["pending", "claimed", "blocked"]);

function assertFollowUps(ledger: Ledger, followUps: ReadonlyMap<string, string>, plan: Plan): void {
  const taken = new Map([...followUps.keys()].map((id) => [Number(id), id]));
  for (const task of plan.tasks) {
    const id = taken.get(Number(task.id));
    if (id === undefined) continue;
    const { subject } = parseTask(ledger.task(id)!.planned);
    throw new OcaptainError(
      "BAD_PLAN",
      `the plan's task ${task.id} ("${task.subject}") has the number of a follow-up that was added to the voyage: ${id} ("${subject}")`,
      { hint: `give tasks/${task.id}.json another number` },
    );
  }
}

/**
 * Brings the plan into the ledger, as {@link planChanges} says. It runs inside one write.
 * @param isFirst  whether it is the voyage's first plan, of which no task is said to be added
 * @throws OcaptainError BAD_PLAN for a graph that cannot be worked off
 */
export function applyPlan(ledger: Ledger, plan: Plan, isFirst = false): PlanChanges {
  assertBlockers(plan.tasks);
  const changes = planChanges(ledger, plan);
  const { store } = ledger;
  const added = new Set(changes.added);
  const updated = new Set(changes.updated);
  const at = ledger.at();
  for (const task of plan.tasks) {
    const text = taskText(task);
    if (added.has(task.id)) {
      // A cancelled task that comes back keeps its epoch: what was granted before stays stale.
      store.run(
        `INSERT INTO tasks (id, position, height, planned, body, in_plan, status, changed_at) VALUES (?, 0, 1, ?, ?, 1, 'pending', ?)
         ON CONFLICT (id) DO UPDATE SET planned = excluded.planned, body = excluded.body, in_plan = 1, status = 'pending', tries = 0, reason = NULL, changed_at = excluded.changed_at`,
        task.id,
        text,
        text,
        at,
      );
    } else if (updated.has(task.id)) {
      forgetLosses(ledger, task.id);
      store.run(
        "UPDATE tasks SET body = ?, status = 'pending', tries = 0, reason = NULL, changed_at = ? WHERE id = ?",
        text,
        at,
        task.id,
      );
    }
    store.run("UPDATE tasks SET planned = ?, in_plan = 1 WHERE id = ?", text, task.id);
    store.run("DELETE FROM blockers WHERE task = ?", task.id);
    for (const blocker of task.blockedBy) store.run("INSERT OR IGNORE INTO blockers VALUES (?, ?)", task.id, blocker);
  }
  for (const id of changes.cancelled) {
    store.run(
      "UPDATE tasks SET status = 'cancelled', in_plan = 0, reason = 'not in the plan any more', changed_at = ? WHERE id = ?",
      at,
      id,
    );
  }
  const inPlan = new Set(plan.tasks.map((task) => task.id));
  for (const id of changes.kept) if (!inPlan.has(id)) store.run("UPDATE tasks SET in_plan = 0 WHERE id = ?", id);
  bringStandings(ledger);
  ledger.setMeta("planRevision", randomUUID());
  if (!isFirst) noteChanges(ledger, changes);
  return changes;
}

function noteChanges(ledger: Ledger, { added, updated, cancelled }: PlanChanges): void {
  if (added.length + updated.length + cancelled.length === 0) return;
  const data = { added: added.length, updated: updated.length, cancelled: cancelled.length };
  noteEvent(ledger, "plan-changed", { data });
  for (const task of added) noteEvent(ledger, "task-added", { task });
  for (const task of cancelled) noteEvent(ledger, "task-cancelled", { task, reason: "not in the plan any more" });
}

/** @throws OcaptainError BAD_PLAN */
function assertBlockers(tasks: readonly PlanTask[]): void {
  const ids = new Set(tasks.map((task) => task.id));
  for (const task of tasks) {
    const missing = task.blockedBy.find((id) => !ids.has(id));
    if (missing) throw new OcaptainError("BAD_PLAN", `task ${task.id} waits for task ${missing}, which the plan does not have`);
  }
}
