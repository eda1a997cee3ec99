import { randomUUID } from "node:crypto";
import { OcaptainError } from "../../lib/base/errors.ts";
import { FIRST_FOLLOW_UP, type FollowUp, MAX_FOLLOW_UPS } from "../../lib/plan/follow-up.ts";
import { byId } from "../../lib/plan/graph.ts";
import type { PlanTask } from "../../lib/plan/types.ts";
import { noteEvent } from "./events.ts";
import type { Ledger, TaskRecord } from "./ledger.ts";
import { bringStandings } from "./standings.ts";
import { taskText } from "./task-text.ts";

/**
 * Tasks that are added beside the plan (lib/plan/follow-up.ts). They wait for tasks that are there already, and no
 * task of a plan waits for them, so that no cycle can come of them. Each function runs inside one write of the store.
 */

/**
 * Adds a task, with an id that nothing has had; or finds the one that has this signature already, whatever has become
 * of it.
 * @throws OcaptainError BAD_TASK
 */
export function addFollowUp(ledger: Ledger, ask: FollowUp): { id: string; isNew: boolean } {
  const { store } = ledger;
  const stack = ledger.meta("stack");
  const refuse = (message: string, hint: string) => new OcaptainError("BAD_TASK", `no task was added: ${message}`, { hint });
  if (ask.signature !== undefined) {
    const known = store.one<{ task: string }>("SELECT task FROM follow_ups WHERE signature = ?", ask.signature);
    if (known) return { id: known.task, isNew: false };
  }
  if (ledger.meta("orders"))
    throw refuse(
      "a sail without a plan has no tasks; its ship takes your orders",
      `ocaptain status ${stack}  # names the ship; ocaptain answer tells it what is to be done`,
    );
  if (ledger.followUps().size >= MAX_FOLLOW_UPS)
    throw refuse(
      `the voyage has ${MAX_FOLLOW_UPS} follow-ups already, the most that one can have`,
      `put more tasks into the plan, then: pulumi up -s ${stack}`,
    );
  const after = [...new Set(ask.after)].sort(byId);
  for (const id of after) {
    const status = ledger.task(id)?.status;
    if (status === undefined || status === "cancelled")
      throw refuse(`the voyage has no task ${id}${status ? " any more: it is cancelled" : ""}`, `ocaptain tasks ${stack}`);
  }
  const id = nextId(ledger);
  const text = taskText(taskOf(id, ask, after));
  const at = ledger.at();
  store.run(
    `INSERT INTO tasks (id, position, height, planned, body, in_plan, status, changed_at) VALUES (?, 0, 1, ?, ?, 1, 'pending', ?)`,
    id,
    text,
    text,
    at,
  );
  store.run("INSERT INTO follow_ups VALUES (?, ?, ?, ?)", id, ask.signature ?? null, ask.urgent ? 1 : 0, at);
  for (const blocker of after) store.run("INSERT INTO blockers VALUES (?, ?)", id, blocker);
  bringStandings(ledger);
  ledger.setMeta("planRevision", randomUUID());
  noteEvent(ledger, "task-added", { task: id, data: { followUp: true } });
  return { id, isNew: true };
}

/**
 * Cancels a follow-up that nobody is at. What waits for it counts it as done.
 * @throws OcaptainError TASK_STATUS for another task, or one that is claimed or accepted
 */
export function cancelFollowUp(ledger: Ledger, { id, status, ship }: TaskRecord): void {
  const stack = ledger.meta("stack");
  const refuse = (message: string, hint: string) => new OcaptainError("TASK_STATUS", `task ${id} ${message}`, { hint });
  if (ledger.addedAt(id) === undefined)
    throw refuse("is one of the plan's", `take tasks/${id}.json out of the plan's folder, then: pulumi up -s ${stack}`);
  if (status === "cancelled") return;
  if (status === "claimed")
    throw refuse(`is claimed by ${ship}; only a task that nobody is at can be cancelled`, `ocaptain release ${id} ${stack}`);
  if (status === "accepted")
    throw refuse("is accepted: its commit is on the branch", `ocaptain diff ${stack} --task ${id}  # shows it`);
  const reason = "the captain cancelled it";
  ledger.store.run(
    "UPDATE tasks SET status = 'cancelled', in_plan = 0, reason = ?, changed_at = ? WHERE id = ?",
    reason,
    ledger.at(),
    id,
  );
  bringStandings(ledger);
  noteEvent(ledger, "task-cancelled", { task: id, reason });
}

/** The first number that no task has or had, by which 0900001 counts as 900001. */
function nextId(ledger: Ledger): string {
  const taken = new Set(ledger.tasks().map(({ id }) => Number(id)));
  let id = FIRST_FOLLOW_UP;
  while (taken.has(id)) id++;
  return String(id);
}

const taskOf = (
  id: string,
  { subject, description, check, rehearsal, touches, source, merges }: FollowUp,
  after: string[],
): PlanTask => ({
  ...{ id, subject, description, blocks: [], blockedBy: after },
  metadata: {
    ...(check != null && { check }),
    ...(rehearsal != null && { rehearsal }),
    ...(touches != null && { touches }),
    ...(source != null && { source }),
    ...(merges !== undefined && { merges }),
  },
});
