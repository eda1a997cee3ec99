import type { Grant, ReleaseReply } from "../../lib/protocol/ship-api.ts";
import { asHalt, Halt, Killed, Refused } from "../helm/halt.ts";
import { AWAY_PAUSE_MS, FAULT_PAUSE_MS, pause } from "../machine/pause.ts";
import { endStragglers } from "../machine/processes.ts";
import { CannotStart } from "../machine/run.ts";
import { TaskLog } from "../machine/task-log.ts";
import { HelmAway } from "../tree/git-retry.ts";
import { TreeUnready } from "../tree/unready.ts";
import { type Deck, settle } from "./context.ts";
import { Kills, MOST_KILLS } from "./crash-count.ts";
import { Delivery } from "./delivery.ts";
import type { Hand, HandEnd } from "./hand.ts";

/** The last word before an ordered end; whoever ordered it waits for us. */
const FAREWELL_MS = 5000;

/**
 * One claim, from the tip to the helm's answer (design 8, Accept). Its outcome is the ledger's; here it only returns.
 * Throws Halt: "stop" (the claim was given back), "silence" and "fenced". A claim that went stale is dropped and forgotten.
 */
export async function work(deck: Deck, grant: Grant, signal: AbortSignal, hand: Hand): Promise<void> {
  const { heartbeat, journal } = deck;
  const { task, epoch } = grant;
  heartbeat.settling = false;
  heartbeat.claim = { task: task.id, epoch };
  deck.tree.assign(task.id, epoch);
  heartbeat.note = task.activeForm ?? task.subject;
  journal.note("claimed", `task ${task.id}  ${task.subject}`, { task: task.id, epoch, tip: grant.tip });
  const show = deck.hello.hand === "claude" ? deck.window.say : undefined;
  // An empty sail's one task lasts as long as the voyage, and has no tries.
  const kills = grant.orders ? null : new Kills(deck.ship, heartbeat.claim);
  let log: TaskLog | undefined;
  let delivery: Delivery | undefined;
  try {
    log = new TaskLog(deck.ship.logs, `task-${task.id}-${epoch}`, show);
    delivery = new Delivery(deck, grant, log, signal);
    const end: HandEnd =
      kills && kills.before >= MOST_KILLS
        ? { kind: "failed", reason: `its crew was killed ${kills.before} times while it worked at this task` }
        : await hand(deck, grant, delivery, log, signal);
    await settleBy(end, deck, grant, signal);
    kills?.forget();
  } catch (error) {
    const halt = asHalt(error);
    if (halt instanceof Killed) kills?.told();
    else if (halt instanceof Halt && (halt.kind === "silence" || halt.kind === "away")) kills?.survived();
    else kills?.forget();
    await endStragglers(deck.ship.mark); // a git command that was cut off may have left a helper behind
    if (!(halt instanceof Halt)) {
      const how = whoseFault(error, delivery?.handBegan ?? false);
      if (how === "failed") await save(deck, grant, signal);
      await release(deck, grant, (error as Error).message, how, signal);
      heartbeat.claim = null;
      if (how !== "failed") await pause(how === "fault" ? FAULT_PAUSE_MS : AWAY_PAUSE_MS, signal);
    } else if (halt.kind === "stale")
      journal.note("dropped", `task ${task.id}  dropped: ${halt.message}`, { task: task.id, epoch });
    else {
      if (halt.kind === "stop") await farewell(deck, grant, halt.message);
      throw halt;
    }
  } finally {
    log?.close();
    heartbeat.claim = null;
    heartbeat.note = "";
  }
}

/** How a claim goes back. */
type How = "failed" | "handed-back" | "fault";

/** Whose fault an error is: a line that is down is nobody's; what kept the hand from its work is the ship's; what came of its work is the task's. */
function whoseFault(error: unknown, handBegan: boolean): How {
  if (error instanceof HelmAway) return "handed-back";
  if (error instanceof TreeUnready) return "fault";
  // A command that no ship could start is the plan's.
  if (error instanceof CannotStart) return error.code === "E2BIG" ? "failed" : "fault";
  return handBegan ? "failed" : "fault";
}

async function settleBy(end: HandEnd, deck: Deck, grant: Grant, signal: AbortSignal): Promise<void> {
  if (end.kind === "accepted") return;
  await save(deck, grant, signal);
  if (end.kind === "asked") await ask(deck, grant, end.question, signal);
  else await release(deck, grant, end.reason, end.kind, signal);
}

/**
 * What a claim leaves is saved before the claim ends: there may be no other claim whose reset would do it, and the VM may go. With the line down the tree
 * stays as it is.
 */
async function save({ tree }: Deck, { tip }: Grant, signal: AbortSignal): Promise<void> {
  await tree.saveLeft(tip, signal).catch((error) => {
    if (!(error instanceof HelmAway)) throw error;
  });
}

/** Gives a claim back. Throws Halt and Refused. */
async function release(deck: Deck, grant: Grant, reason: string, how: How, signal: AbortSignal): Promise<void> {
  const { task, epoch } = grant;
  const failed = how === "failed";
  deck.journal.note("released", `task ${task.id}  ${failed ? "failed" : "given back"}: ${reason.split("\n")[0]}`, {
    task: task.id,
    epoch,
    failed,
    reason: reason.slice(-8000),
  });
  const body = { task: task.id, epoch, reason: ends(reason), failed, ...(how === "fault" && { fault: true }) };
  try {
    await settle(deck, () => deck.helm.call<ReleaseReply>("release", body, { totalMs: deck.hello.leaseSeconds * 1000, signal }));
  } catch (error) {
    throw error instanceof Halt || error instanceof Refused ? error : new Halt("silence", (error as Error).message);
  }
}

/** An ordered end: the claim goes back unharmed, what the hand has so far is saved. Whoever ordered it waits, so nothing is waited for long. */
async function farewell(deck: Deck, grant: Grant, reason: string): Promise<void> {
  const signal = AbortSignal.timeout(FAREWELL_MS);
  await Promise.allSettled([release(deck, grant, reason, "handed-back", signal), deck.tree.saveLeft(grant.tip, signal)]);
}

/** Ends the claim by a question to the captain. */
async function ask(deck: Deck, grant: Grant, question: string, signal: AbortSignal): Promise<void> {
  const { task, epoch } = grant;
  deck.journal.note("asked", `task ${task.id}  asks the captain: ${question.split("\n")[0]}`, { task: task.id, epoch, question });
  const body = { task: task.id, epoch, question: question.slice(0, 4000) };
  await settle(deck, () => deck.helm.call<ReleaseReply>("ask", body, { totalMs: deck.hello.leaseSeconds * 1000, signal }));
}

/** First line and tail: a reason's head says what, its tail why (lib/protocol/ship-api.ts: ≤ 8192). */
function ends(reason: string): string {
  if (reason.length <= 8000) return reason;
  return `${reason.slice(0, 200)}\n…\n${reason.slice(-7700)}`;
}
