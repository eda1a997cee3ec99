import { OcaptainError } from "../../lib/base/errors.ts";
import type {
  ClaimReply,
  ReleaseReply,
  ReleaseRequest,
  UnverifiedRequest,
  VerifiedRequest,
} from "../../lib/protocol/ship-api.ts";
import { forgetFaults, forgetLosses, MOST_LOSSES, noteFault, noteLoss, whyFaulty } from "./faults.ts";
import { grantOf, positive } from "./grant.ts";
import { type Intent, type Ledger, type Life, parseTask, sha256, type TaskRecord } from "./ledger.ts";
import { limitOf } from "./limits.ts";
import { Refused } from "./refused.ts";

/** The rules by which claims begin and end (design 8). Each function runs inside one write of the store. */

const DEFAULT_TRIES = 3;
const VERIFY_TIMEOUT_SECONDS = 1800;
/** Who waits for a limit's end looks so much more seldom: about once a heartbeat. */
const LIMIT_LOOKS = 5;
/** A trial takes seconds, and `up` waits for it. */
const TRIAL_LOOK_SECONDS = 0.5;

/** Throws Refused `fenced` when this life is over. */
export function assertAlive(ledger: Ledger, life: number): Life {
  const now = ledger.life(life);
  if (!now) throw new Refused("fenced", "this ship is not registered any more");
  if (now.fenced) throw new Refused("fenced", `${now.ship} (${now.incarnation}) was fenced: ${now.reason}`);
  return now;
}

/** The claim that `life` says it holds. Throws Refused with who holds it now. */
export function assertHolds(ledger: Ledger, life: number, id: string, epoch: number): TaskRecord {
  const task = ledger.task(id);
  if (!task) throw new Refused("not-holder", `the voyage has no task ${id}`);
  const holder = holderOf(ledger, task);
  if (task.epoch !== epoch) throw new Refused("stale-epoch", `task ${id} is at epoch ${task.epoch}, not ${epoch}`, holder);
  if (task.status !== "claimed" || task.life !== life)
    throw new Refused("not-holder", `task ${id} is ${task.status}, and not held by this ship`, holder);
  return task;
}

/**
 * Grants what this life holds already, else the best free task, else the verification, else says why nothing. `tip` holds every accepted task. `only`:
 * see ClaimRequest.
 */
export function claim(ledger: Ledger, life: Life, tip: string, retryAfterSeconds: number, only?: string): ClaimReply {
  const held = ledger.claimOf(life.life);
  if (held) return { kind: "grant", grant: grantOf(ledger, held) };
  const open = ledger.openVerification();
  if (open?.life === life.life) return verifyReply(ledger, open.epoch, open.commit_id);
  if (ledger.ship(life.ship)?.stopping || whyFaulty(ledger, life.life) !== undefined)
    return { kind: "nothing", reason: "paused", retryAfterSeconds };

  const pausedSeconds = pause(ledger, life, retryAfterSeconds);
  if (pausedSeconds !== null && ledger.freeCount() > 0)
    return { kind: "nothing", reason: "paused", retryAfterSeconds: pausedSeconds };

  const free = only === undefined ? ledger.freeTask()?.id : ledger.freeTasks().find((id) => id === only);
  if (free !== undefined) {
    ledger.store.run(
      "UPDATE tasks SET status = 'claimed', epoch = epoch + 1, ship = ?, life = ?, body = planned, grant_tip = ?, changed_at = ? WHERE id = ?",
      life.ship,
      life.life,
      tip,
      ledger.at(),
      free,
    );
    return { kind: "grant", grant: grantOf(ledger, ledger.task(free)!) };
  }
  if ((only === undefined || only === "verify") && ledger.verificationDue(tip)) {
    const { rowId } = ledger.store.run(
      "INSERT INTO verifications (commit_id, script, life, status, at) VALUES (?, ?, ?, 'claimed', ?)",
      tip,
      sha256(ledger.meta("verify")!),
      life.life,
      ledger.at(),
    );
    return verifyReply(ledger, rowId, tip);
  }
  // Something under way may free a task, or fail and come back. Without it only the captain can, and the helm wakes ships then.
  const waiting = ledger.counts().claimed > 0 || open !== undefined || (only !== undefined && ledger.freeCount() > 0);
  const nothing: ClaimReply = { kind: "nothing", reason: waiting ? "waiting" : "done", retryAfterSeconds };
  if (only === undefined) return nothing;
  return { ...nothing, free: ledger.freeTasks(), ...(only !== "verify" && { why: whyNotFree(ledger, only) }) };
}

/** After how many seconds to ask again while no task is granted to this life; null when it may have one. verify.sh is not held up. */
function pause(ledger: Ledger, { life, ship }: Life, usualSeconds: number): number | null {
  // A hand that is not proven gets no task.
  if (ledger.fitness(life) !== "fit") return Math.min(usualSeconds, TRIAL_LOOK_SECONDS);
  const limited = limitOf(ledger, ship);
  if (!limited) return ledger.overspent() ? usualSeconds : null;
  const leftSeconds = (Date.parse(limited.until) - Date.parse(ledger.at())) / 1000;
  // The next `up` may lift it.
  return Math.max(usualSeconds, Math.min(leftSeconds, LIMIT_LOOKS * usualSeconds));
}

/** For whoever asked for that task alone. */
function whyNotFree(ledger: Ledger, id: string): string {
  const task = ledger.task(id);
  if (!task) return `the voyage has no task ${id}`;
  if (task.status === "claimed") return `task ${id} is held by ${task.ship}`;
  if (task.status !== "pending") return `task ${id} is ${task.status}`;
  const open = parseTask(task.planned).blockedBy.filter((other) => {
    const status = ledger.task(other)?.status;
    return status !== "accepted" && status !== "cancelled";
  });
  return `task ${id} waits for ${open.join(", ")}`;
}

/** Notes that the branch is about to move; on disk before it does. */
export function intend(ledger: Ledger, intent: Intent): void {
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
}

/** Does the ledger still wait for that intent's outcome? */
export function stands(ledger: Ledger, intent: Intent): boolean {
  const task = ledger.task(intent.task);
  return task?.status === "claimed" && task.epoch === intent.epoch;
}

/** The branch holds it: the task is accepted. Throws LEDGER when the task was not this claim's any more; then nothing is written. */
export function accepted(ledger: Ledger, intent: Intent): void {
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
  ledger.store.run("DELETE FROM intents WHERE task = ?", intent.task);
  forgetFaults(ledger, intent.life);
  forgetLosses(ledger, intent.task);
  ledger.remember(intent.life, intent.request, { kind: "accepted", tip: intent.to_commit });
}

export function dropIntent(ledger: Ledger, task: string): void {
  ledger.store.run("DELETE FROM intents WHERE task = ?", task);
}

/** How a claim ends without a result: by a hand that failed, unharmed, or with its ship. */
export type ClaimEnd = "failed" | "handed-back" | "lost";

/**
 * Ends a claim without a result: back to pending, or blocked when its tries are used up, or cancelled when the plan has dropped it. Only a hand that failed
 * costs a try; but a task that is lost with its ship too often in a row is blocked as well, or it would take one ship after the other.
 */
export function giveBack(ledger: Ledger, task: TaskRecord, reason: string, end: ClaimEnd): ReleaseReply {
  const tries = task.tries + (end === "failed" ? 1 : 0);
  const most = positive(parseTask(task.planned).metadata.tries) ?? DEFAULT_TRIES;
  const losses = end === "lost" ? noteLoss(ledger, task.id) : 0;
  if (end === "failed") forgetLosses(ledger, task.id);
  const isLostForGood = losses >= Math.max(MOST_LOSSES, most);
  const status = !task.in_plan ? "cancelled" : (end === "failed" && tries >= most) || isLostForGood ? "blocked" : "pending";
  ledger.store.run(
    "UPDATE tasks SET status = ?, tries = ?, reason = ?, body = planned, ship = NULL, life = NULL, changed_at = ? WHERE id = ?",
    status,
    tries,
    isLostForGood ? `lost with its ship ${losses} times in a row, at last: ${reason}` : reason,
    ledger.at(),
    task.id,
  );
  return { status, tries };
}

export function release(ledger: Ledger, life: number, ask: ReleaseRequest): ReleaseReply {
  const task = assertHolds(ledger, life, ask.task, ask.epoch);
  if (ask.fault) noteFault(ledger, life, ask.reason);
  // A hand that ran to its failure is proof of a ship that works; a claim that was handed back is not.
  else if (ask.failed) forgetFaults(ledger, life);
  return giveBack(ledger, task, ask.reason, ask.failed && !ask.fault ? "failed" : "handed-back");
}

/** Records a run of verify.sh. Throws Refused `stale-epoch` when this life does not hold it. */
export function verified(ledger: Ledger, life: number, ask: VerifiedRequest): void {
  assertVerifies(ledger, life, ask);
  forgetFaults(ledger, life);
  ledger.store.run(
    "UPDATE verifications SET status = 'done', exit_code = ?, output = ?, at = ? WHERE epoch = ?",
    ask.exitCode,
    ask.output.slice(-65_536),
    ledger.at(),
    ask.epoch,
  );
}

/** A ship could not run verify.sh: that says nothing of the voyage, and another is asked. Throws Refused as {@link verified}. */
export function unverified(ledger: Ledger, life: number, ask: UnverifiedRequest): void {
  assertVerifies(ledger, life, ask);
  if (!ask.away) noteFault(ledger, life, ask.reason);
  ledger.store.run("DELETE FROM verifications WHERE epoch = ?", ask.epoch);
}

/** What verify.sh failed with is put aside, so that it is run again; a run under way and one that passed stay. Was there anything? */
export function forgetFailedVerifications(ledger: Ledger): boolean {
  const ended = "status = 'dropped' OR (status = 'done' AND exit_code <> 0)";
  return ledger.store.run(`DELETE FROM verifications WHERE ${ended}`).changes > 0;
}

function assertVerifies(ledger: Ledger, life: number, ask: { epoch: number; commit: string }): void {
  const open = ledger.openVerification();
  if (open?.epoch !== ask.epoch || open.life !== life || open.commit_id !== ask.commit) {
    throw new Refused("stale-epoch", `verification ${ask.epoch} is not under way by this ship`);
  }
}

/** Ends a verification whose ship is gone, so that another can do it; the last of several in a row counts as failed. */
export function dropVerification(ledger: Ledger, life: number, reason: string): void {
  const open = ledger.openVerification();
  if (open?.life !== life) return;
  const dropped = ledger.store.one<{ n: number }>(
    "SELECT count(*) AS n FROM verifications WHERE status = 'dropped' AND commit_id = ? AND script = ?",
    open.commit_id,
    open.script,
  )!.n;
  if (dropped + 1 < MOST_LOSSES) {
    ledger.store.run(
      "UPDATE verifications SET status = 'dropped', output = ?, at = ? WHERE epoch = ?",
      reason,
      ledger.at(),
      open.epoch,
    );
  } else {
    ledger.store.run(
      "UPDATE verifications SET status = 'done', exit_code = -1, output = ?, at = ? WHERE epoch = ?",
      `no ship came to the end of it: ${reason}`,
      ledger.at(),
      open.epoch,
    );
  }
}

function verifyReply(ledger: Ledger, epoch: number, commit: string): ClaimReply {
  return { kind: "verify", epoch, commit, script: ledger.meta("verify")!, timeoutSeconds: VERIFY_TIMEOUT_SECONDS };
}

function holderOf(ledger: Ledger, task: TaskRecord) {
  if (task.status !== "claimed" || task.life === null) return null;
  const life = ledger.life(task.life)!;
  return { ship: life.ship, incarnation: life.incarnation, epoch: task.epoch };
}
