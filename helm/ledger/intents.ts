import { OcaptainError } from "../../lib/base/errors.ts";
import type { Outside } from "../../lib/protocol/status.ts";
import { assertAlive, assertHolds } from "./claims.ts";
import { noteDelivery, noteDuration } from "./deliveries.ts";
import { noteEvent } from "./events.ts";
import { forgetFaults, forgetLosses } from "./faults.ts";
import type { Intent, Ledger } from "./ledger.ts";

/**
 * How a task becomes accepted. An *intent* is on disk before the branch moves, so that a helm that dies in between
 * knows afterwards whether it moved. Each function that changes something runs inside one write of the store.
 */

/**
 * Notes that the branch is about to move. It must be on disk before the branch does.
 * @param outside what the commit changes outside of what its task touches
 * @throws Refused when the claim has ended meanwhile
 */
export function intend(ledger: Ledger, intent: Intent, outside?: Outside): void {
  assertAlive(ledger, intent.life);
  assertHolds(ledger, intent.life, intent.task, intent.epoch);
  ledger.store.run(
    "INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    intent.task,
    intent.epoch,
    intent.life,
    intent.request,
    intent.from_tip,
    intent.to_commit,
    intent.ship_commit,
    intent.summary,
  );
  noteDelivery(ledger, intent.task, intent.to_commit, outside);
}

/** All intents of which it is not known what came of them. */
export const openIntents = (ledger: Ledger): Intent[] => ledger.store.all<Intent>("SELECT * FROM intents");

/** Says whether the task still waits for the outcome of that intent. */
export function stands(ledger: Ledger, intent: Intent): boolean {
  const task = ledger.task(intent.task);
  return task?.status === "claimed" && task.epoch === intent.epoch;
}

/**
 * Accepts the task, once the branch holds its work.
 * @throws OcaptainError LEDGER when the task was not this claim's any more; then nothing is written
 */
export function accepted(ledger: Ledger, intent: Intent): void {
  const claim = ledger.task(intent.task);
  // The orders of an empty sail are never done for good.
  const outcome = ledger.meta("orders") ? "status = 'pending', ship = NULL, life = NULL" : "status = 'accepted'";
  const { changes } = ledger.store.run(
    `UPDATE tasks SET ${outcome}, commit_id = ?, ship_commit = ?, summary = ?, reason = NULL, changed_at = ? WHERE id = ? AND status = 'claimed' AND epoch = ?`,
    intent.to_commit,
    intent.ship_commit,
    intent.summary,
    ledger.at(),
    intent.task,
    intent.epoch,
  );
  if (changes !== 1)
    throw new OcaptainError(
      "LEDGER",
      `task ${intent.task} is not claimed at epoch ${intent.epoch}, but the branch holds its work`,
    );
  const seconds = noteDuration(ledger, claim!);
  noteEvent(ledger, "task-accepted", {
    ...{ task: intent.task, ship: claim!.ship, epoch: intent.epoch },
    data: { commit: intent.to_commit, seconds },
  });
  dropIntent(ledger, intent.task);
  forgetFaults(ledger, intent.life);
  forgetLosses(ledger, intent.task);
  ledger.remember(intent.life, intent.request, { kind: "accepted", tip: intent.to_commit });
}

/** Forgets an intent that came to nothing: the branch did not move. */
export function dropIntent(ledger: Ledger, task: string): void {
  ledger.store.run("DELETE FROM intents WHERE task = ?", task);
}
