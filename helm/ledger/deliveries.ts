import type { Outside } from "../../lib/protocol/status.ts";
import type { Ledger, TaskRecord } from "./ledger.ts";

/**
 * What is known of the commit with which a task is accepted, beside the task's own row. Each function that changes
 * something runs inside one write of the store.
 */

/** Notes what a commit that is about to come onto the branch changes outside of what its task touches. */
export function noteDelivery(ledger: Ledger, task: string, commit: string, outside: Outside | undefined): void {
  ledger.store.run(
    "INSERT OR REPLACE INTO deliveries (task, commit_id, outside) VALUES (?, ?, ?)",
    task,
    commit,
    outside ? JSON.stringify(outside) : null,
  );
}

/**
 * Notes how long a claim has lasted until its commit was accepted: by the helm's clock, as a ship may say anything.
 * Returns the seconds.
 */
export function noteDuration(ledger: Ledger, task: TaskRecord): number {
  const seconds = Math.max(0, (Date.parse(ledger.at()) - Date.parse(task.changed_at)) / 1000);
  ledger.store.run("UPDATE deliveries SET seconds = ? WHERE task = ?", seconds, task.id);
  return seconds;
}

/** What the task's accepted commit changes outside of what the task touches; undefined when there is nothing. */
export function outsideOf(ledger: Ledger, { id, commit_id }: TaskRecord): Outside | undefined {
  if (commit_id === null) return undefined;
  const found = ledger.store.one<{ outside: string }>(
    "SELECT outside FROM deliveries WHERE task = ? AND commit_id = ? AND outside IS NOT NULL",
    id,
    commit_id,
  );
  return found && (JSON.parse(found.outside) as Outside);
}
