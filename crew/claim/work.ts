import type { Grant } from "../../lib/protocol/ship-claims.ts";
import { asHalt, Halt, HelmAway, HelmRefusal, Killed } from "../helm/halt.ts";
import { AWAY_PAUSE_MS, FAULT_PAUSE_MS, pause } from "../machine/pause.ts";
import { endMarked } from "../machine/processes.ts";
import { CannotStart } from "../machine/run.ts";
import { TaskLog } from "../machine/task-log.ts";
import { TreeUnready } from "../tree/unready.ts";
import { type ClaimContext, forALease } from "./context.ts";
import { CrashCount, MOST_CRASHES } from "./crash-count.ts";
import { Delivery } from "./delivery.ts";
import type { Hand, HandEnd } from "./hand.ts";

/** How long an ordered end may take to say its last word: whoever ordered it waits. */
const FAREWELL_MS = 5000;

/**
 * Works at one claim until the helm has its outcome; the ledger is the helm's, so here it only returns. A claim that
 * went stale is dropped and forgotten. Throws Halt: "stop", when the claim was given back, "silence", "away" and
 * "fenced".
 */
export async function work(context: ClaimContext, grant: Grant, signal: AbortSignal, hand: Hand): Promise<void> {
  const { claim, journal, tree } = context;
  const { task, epoch } = grant;
  const held = { task: task.id, epoch };
  claim.begin(held, task.activeForm ?? task.subject);
  tree.assign(task.id, epoch);
  journal.note("claimed", `task ${task.id}  ${task.subject}`, { ...held, tip: grant.tip });
  const show = context.hello.hand === "claude" ? context.window.say : undefined;
  // The one task of an empty sail lasts as long as its voyage and has no tries.
  const crashes = grant.orders ? null : new CrashCount(context.ship, held);
  let log: TaskLog | undefined;
  let delivery: Delivery | undefined;
  try {
    log = new TaskLog(context.ship.logs, `task-${task.id}-${epoch}`, show);
    delivery = new Delivery(context, grant, log, signal);
    const end: HandEnd =
      crashes && crashes.before >= MOST_CRASHES
        ? { kind: "failed", reason: `its crew was killed ${crashes.before} times while it worked at this task` }
        : await hand(context, grant, delivery, log, signal);
    await conclude(end, context, grant, signal);
    crashes?.forget();
  } catch (error) {
    const halt = asHalt(error);
    if (halt instanceof Killed) crashes?.signalled();
    else if (halt instanceof Halt && (halt.kind === "silence" || halt.kind === "away")) crashes?.survived();
    else crashes?.forget();
    // A git command that was cut off may have left a helper behind.
    await endMarked(context.ship.mark);
    if (!(halt instanceof Halt)) {
      const how = whoseFault(error, delivery?.handBegan ?? false);
      if (how === "failed") await save(context, grant, signal);
      await release(context, grant, (error as Error).message, how, signal);
      claim.drop();
      if (how !== "failed") await pause(how === "fault" ? FAULT_PAUSE_MS : AWAY_PAUSE_MS, signal);
    } else if (halt.kind === "stale") journal.note("dropped", `task ${task.id}  dropped: ${halt.message}`, held);
    else {
      if (halt.kind === "stop") await farewell(context, grant, halt.message);
      throw halt;
    }
  } finally {
    log?.close();
    claim.drop();
    claim.show("");
  }
}

/** How a claim goes back: as a failed try, unharmed, or unharmed by a fault of this ship. */
type How = "failed" | "handed-back" | "fault";

/**
 * Says whose fault an error is: a line that is down is nobody's; what kept the hand from its work is the ship's; what
 * came of its work is the task's.
 */
function whoseFault(error: unknown, handBegan: boolean): How {
  if (error instanceof HelmAway) return "handed-back";
  if (error instanceof TreeUnready) return "fault";
  // A command that is too long for any ship is the plan's fault.
  if (error instanceof CannotStart) return error.code === "E2BIG" ? "failed" : "fault";
  return handBegan ? "failed" : "fault";
}

/** Ends the claim at the helm as the hand has ended its work; an accepted one has ended already. */
async function conclude(end: HandEnd, context: ClaimContext, grant: Grant, signal: AbortSignal): Promise<void> {
  if (end.kind === "accepted") return;
  await save(context, grant, signal);
  if (end.kind === "asked") await ask(context, grant, end.question, signal);
  else await release(context, grant, end.reason, end.kind, signal);
}

/**
 * Saves what a claim leaves, before the claim ends: no other claim may follow whose reset would do it, and the VM may
 * go. While the helm does not answer the tree stays as it is.
 */
async function save({ tree }: ClaimContext, { tip }: Grant, signal: AbortSignal): Promise<void> {
  await tree.saveLeft(tip, signal).catch((error) => {
    if (!(error instanceof HelmAway)) throw error;
  });
}

/** Gives a claim back. Throws Halt and HelmRefusal. */
async function release(context: ClaimContext, grant: Grant, reason: string, how: How, signal: AbortSignal): Promise<void> {
  const held = { task: grant.task.id, epoch: grant.epoch };
  const failed = how === "failed";
  context.journal.note("released", `task ${held.task}  ${failed ? "failed" : "given back"}: ${reason.split("\n")[0]}`, {
    ...held,
    failed,
    reason: reason.slice(-8000),
  });
  const body = { ...held, reason: shortened(reason), failed, ...(how === "fault" && { fault: true as const }) };
  try {
    await context.claim.end(() => context.helm.call("release", body, forALease(context, signal)));
  } catch (error) {
    throw error instanceof Halt || error instanceof HelmRefusal ? error : new Halt("silence", (error as Error).message);
  }
}

/**
 * Ends a claim by order: it goes back unharmed, and what the hand has so far is saved. Nothing is waited for long,
 * since whoever ordered it waits.
 */
async function farewell(context: ClaimContext, grant: Grant, reason: string): Promise<void> {
  const signal = AbortSignal.timeout(FAREWELL_MS);
  await Promise.allSettled([release(context, grant, reason, "handed-back", signal), context.tree.saveLeft(grant.tip, signal)]);
}

/** Ends the claim by a question to the captain. */
async function ask(context: ClaimContext, grant: Grant, question: string, signal: AbortSignal): Promise<void> {
  const held = { task: grant.task.id, epoch: grant.epoch };
  const told = `task ${held.task}  asks the captain: ${question.split("\n")[0]}`;
  context.journal.note("asked", told, { ...held, question });
  const body = { ...held, question: question.slice(0, 4000) };
  await context.claim.end(() => context.helm.call("ask", body, forALease(context, signal)));
}

/** Shortens a reason to what the wire takes (8192 characters): its head says what happened, its tail why. */
function shortened(reason: string): string {
  if (reason.length <= 8000) return reason;
  return `${reason.slice(0, 200)}\n…\n${reason.slice(-7700)}`;
}
