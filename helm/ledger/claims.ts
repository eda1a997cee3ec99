import { OcaptainError } from "../../lib/base/errors.ts";
import type { ClaimReply, ReleaseReply, ReleaseRequest } from "../../lib/protocol/ship-claims.ts";
import { whyTaskIsSpent } from "./budget.ts";
import { noteEvent } from "./events.ts";
import { forgetFaults, forgetLosses, MOST_LOSSES, noteFault, noteLoss, whyFaulty } from "./faults.ts";
import { grantOf, positive } from "./grant.ts";
import { type Ledger, type Life, parseTask, type TaskRecord } from "./ledger.ts";
import { limitOf } from "./limits.ts";
import { pauseOf } from "./pause.ts";
import { areProbesUnderWay, beginProbe, probeOf, probeOrder } from "./probes.ts";
import { Refused } from "./refused.ts";
import { overspent } from "./spend.ts";
import { beginVerification, verifyOrder } from "./verifications.ts";

/**
 * The rules by which claims begin and end (docs/design.md#claims). Each function that changes something runs inside one
 * write of the store.
 */

const DEFAULT_TRIES = 3;
/** A ship that waits for a limit's end looks this many times more seldom than others: about once a heartbeat. */
const LIMIT_LOOKS = 5;
/** A ship whose hand is on trial looks again soon: a trial takes seconds, and `up` waits for it. */
const TRIAL_LOOK_SECONDS = 0.5;

/**
 * The life as it is now.
 * @throws Refused `fenced` when it is over
 */
export function assertAlive(ledger: Ledger, life: number): Life {
  const now = ledger.life(life);
  if (!now) throw new Refused("fenced", "this ship is not registered any more");
  if (now.fenced) throw new Refused("fenced", `${now.ship} (${now.incarnation}) was fenced: ${now.reason}`);
  return now;
}

/**
 * The task that `life` says it holds at `epoch`.
 * @throws Refused `not-holder` or `stale-epoch`, with who holds the task now
 */
export function assertHolds(ledger: Ledger, life: number, id: string, epoch: number): TaskRecord {
  const task = ledger.task(id);
  if (!task) throw new Refused("not-holder", `the voyage has no task ${id}`);
  const holder = holderOf(ledger, task);
  if (task.epoch !== epoch) throw new Refused("stale-epoch", `task ${id} is at epoch ${task.epoch}, not ${epoch}`, holder);
  if (task.status !== "claimed" || task.life !== life)
    throw new Refused("not-holder", `task ${id} is ${task.status}, and not held by this ship`, holder);
  return task;
}

/** What a claim is granted by, beside the ledger. */
export type ClaimTerms = {
  /** The branch's commit, which holds every accepted task. */
  tip: string;
  retryAfterSeconds: number;
  /** How long a probe waits for the ships that are to have it rather than others, in ms. */
  patienceMs: number;
  /** How long a ship without work stays where more is likely to come, in ms. */
  lingerMs: number;
  /** The one task that the ship asks for, or `verify` for no task at all. */
  only?: string | undefined;
  /** The tasks that are granted only when no other is free. */
  later?: readonly string[];
};

/**
 * Grants what this life holds already, else the best free task, else the verification, else a probe; else says why
 * there is nothing.
 */
export function claim(ledger: Ledger, life: Life, terms: ClaimTerms): ClaimReply {
  const { tip, retryAfterSeconds, only, later } = terms;
  const held = ledger.claimOf(life.life);
  if (held) return { kind: "grant", grant: grantOf(ledger, held) };
  const open = ledger.openVerification();
  if (open?.life === life.life) return verifyOrder(ledger, open.epoch, open.commit_id);
  const probe = probeOf(ledger, life.life);
  if (probe) return probeOrder(ledger, probe);
  if (pauseOf(ledger) || ledger.ship(life.ship)?.stopping || whyFaulty(ledger, life.life) !== undefined)
    return { kind: "nothing", reason: "paused", retryAfterSeconds };

  const pausedSeconds = pause(ledger, life, retryAfterSeconds);
  if (pausedSeconds !== null && ledger.freeCount() > 0)
    return { kind: "nothing", reason: "paused", retryAfterSeconds: pausedSeconds };

  const free = only === undefined ? ledger.freeTask(later)?.id : ledger.freeTasks().find((id) => id === only);
  if (free !== undefined) {
    ledger.store.run(
      "UPDATE tasks SET status = 'claimed', epoch = epoch + 1, ship = ?, life = ?, body = planned, grant_tip = ?, changed_at = ? WHERE id = ?",
      life.ship,
      life.life,
      tip,
      ledger.at(),
      free,
    );
    const granted = ledger.task(free)!;
    noteEvent(ledger, "task-granted", { task: free, ship: life.ship, epoch: granted.epoch });
    return { kind: "grant", grant: grantOf(ledger, granted) };
  }
  const mayVerify = only === undefined || only === "verify";
  if (mayVerify && ledger.verificationDue(tip)) return beginVerification(ledger, life, tip);
  const order = mayVerify ? beginProbe(ledger, life, terms.patienceMs) : undefined;
  if (order) return order;
  // Something under way may free a task, or fail and come back. Without it only the captain can, and then the helm
  // wakes ships.
  const waiting =
    ledger.counts().claimed > 0 ||
    open !== undefined ||
    areProbesUnderWay(ledger, terms.lingerMs) ||
    (only !== undefined && ledger.freeCount() > 0);
  const nothing: ClaimReply = { kind: "nothing", reason: waiting ? "waiting" : "done", retryAfterSeconds };
  return mayVerify ? nothing : { ...nothing, why: whyNotFree(ledger, only) };
}

/**
 * Seconds after which this life is to ask again while it may have no task; null when it may have one. verify.sh is not
 * held up.
 */
function pause(ledger: Ledger, { life, ship }: Life, usualSeconds: number): number | null {
  // A hand that is not proven gets no task.
  if (ledger.fitness(life) !== "fit") return Math.min(usualSeconds, TRIAL_LOOK_SECONDS);
  const limited = limitOf(ledger, ship);
  if (!limited) return overspent(ledger) ? usualSeconds : null;
  const leftSeconds = (Date.parse(limited.until) - Date.parse(ledger.at())) / 1000;
  // The next `up` may lift the limit before its end.
  return Math.max(usualSeconds, Math.min(leftSeconds, LIMIT_LOOKS * usualSeconds));
}

/** Why a task is not granted to the ship that asked for it alone. */
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

/**
 * How a claim ends without a result: by a hand that failed, handed back unharmed, handed back by a ship that could not
 * begin, by a question to the captain, taken from its ship, or lost with it.
 */
export type ClaimEnd = "failed" | "handed-back" | "fault" | "asked" | "taken" | "lost";

/**
 * Ends a claim without a result: the task is pending again, or blocked when its tries are used up, or cancelled when
 * the plan has dropped it. Only a hand that failed costs a try; but a task that is lost with its ship too often in a
 * row is blocked as well, or it would take one ship after the other.
 */
export function giveBack(ledger: Ledger, task: TaskRecord, reason: string, end: ClaimEnd): ReleaseReply {
  const tries = task.tries + (end === "failed" ? 1 : 0);
  const most = positive(parseTask(task.planned).metadata.tries) ?? DEFAULT_TRIES;
  const losses = end === "lost" ? noteLoss(ledger, task.id) : 0;
  if (end === "failed") forgetLosses(ledger, task.id);
  const isLostForGood = losses >= Math.max(MOST_LOSSES, most);
  const status = !task.in_plan ? "cancelled" : (end === "failed" && tries >= most) || isLostForGood ? "blocked" : "pending";
  const why = isLostForGood ? `lost with its ship ${losses} times in a row, at last: ${reason}` : reason;
  ledger.store.run(
    "UPDATE tasks SET status = ?, tries = ?, reason = ?, body = planned, ship = NULL, life = NULL, changed_at = ? WHERE id = ?",
    status,
    tries,
    why,
    ledger.at(),
    task.id,
  );
  noteEnd(ledger, task, reason, end, tries);
  if (status !== "pending") noteEvent(ledger, `task-${status}`, { task: task.id, epoch: task.epoch, reason: why });
  return { status, tries };
}

/** Notes how a claim has ended without a result; of a question its asking is noted instead. */
function noteEnd(ledger: Ledger, { id, ship, epoch }: TaskRecord, reason: string, end: ClaimEnd, tries: number): void {
  const about = { task: id, ship, epoch, reason };
  if (end === "taken" || end === "lost") noteEvent(ledger, "task-released", { ...about, data: { lost: end === "lost" } });
  else if (end !== "asked")
    noteEvent(ledger, "task-given-back", { ...about, data: { failed: end === "failed", fault: end === "fault", tries } });
}

/** Ends a claim as its ship asks for it. */
export function release(ledger: Ledger, life: number, ask: ReleaseRequest): ReleaseReply {
  const task = assertHolds(ledger, life, ask.task, ask.epoch);
  if (ask.fault) noteFault(ledger, life, ask.reason);
  // A hand that ran to its failure proves that the ship works; a claim that was handed back does not.
  else if (ask.failed) forgetFaults(ledger, life);
  return giveBack(ledger, task, ask.reason, ask.fault ? "fault" : ask.failed ? "failed" : "handed-back");
}

/**
 * Makes a blocked task pending again, with all its tries; a task that is not blocked stays as it is.
 * @throws OcaptainError BUDGET when it could not be granted, since its budget is spent
 */
export function retryTask(ledger: Ledger, task: TaskRecord): void {
  if (task.status !== "blocked") return;
  const spent = whyTaskIsSpent(ledger, task);
  if (spent) {
    const where =
      ledger.addedAt(task.id) === undefined ? `tasks/${task.id}.json: metadata.claude, or voyage.json` : "voyage.json";
    throw new OcaptainError("BUDGET", `task ${task.id}: ${spent}`, {
      hint: `raise claude.budgetUsd in the plan (${where}), then: pulumi up -s ${ledger.meta("stack")}`,
    });
  }
  ledger.store.run("UPDATE tasks SET status = 'pending', tries = 0, changed_at = ? WHERE id = ?", ledger.at(), task.id);
  forgetLosses(ledger, task.id);
  noteEvent(ledger, "task-retried", { task: task.id, epoch: task.epoch });
}

function holderOf(ledger: Ledger, task: TaskRecord) {
  if (task.status !== "claimed" || task.life === null) return null;
  const life = ledger.life(task.life)!;
  return { ship: life.ship, incarnation: life.incarnation, epoch: task.epoch };
}
