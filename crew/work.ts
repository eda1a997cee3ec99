import type { AcceptReply, Grant, HelloReply, ReleaseReply } from "../lib/ship-api.ts";
import { asHalt, Halt, Refused } from "./halt.ts";
import { type HandResult, rehearse } from "./hands/rehearsal.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { HelmClient } from "./helm-client.ts";
import type { Journal } from "./journal.ts";
import { run } from "./run.ts";
import type { Ship } from "./ship.ts";
import { endStragglers } from "./stragglers.ts";
import { TaskLog } from "./task-log.ts";
import { HelmAway } from "./transfer.ts";
import { type Tree, withoutGit } from "./tree.ts";

/** Times a task is tried on a moved tip before it is given back: each round somebody else won, so there is progress elsewhere. */
const ROUNDS = 3;
/** The last word before an ordered end; whoever ordered it waits for us. */
const FAREWELL_MS = 5000;
const CHECK_MS = 10 * 60_000;

/** What a claim is worked with. */
export type Deck = { ship: Ship; hello: HelloReply; helm: HelmClient; heartbeat: Heartbeat; tree: Tree; journal: Journal };

/**
 * One claim, from the tip to the helm's answer (design 8, Accept). Its outcome is the ledger's; here it only returns.
 * Throws Halt: "stop" (the claim was given back), "silence" and "fenced". A claim that went stale is dropped and forgotten.
 */
export async function work(deck: Deck, grant: Grant, signal: AbortSignal): Promise<void> {
  const { heartbeat, journal } = deck;
  const { task, epoch } = grant;
  heartbeat.settling = false;
  heartbeat.claim = { task: task.id, epoch };
  deck.tree.claim = `${task.id}-${epoch}`;
  heartbeat.note = task.activeForm ?? task.subject;
  journal.note("claimed", `task ${task.id}  ${task.subject}`, { task: task.id, epoch, tip: grant.tip });
  const log = new TaskLog(deck.ship.logs, `task-${task.id}-${epoch}`);
  try {
    await deliver(deck, grant, log, signal);
  } catch (error) {
    const halt = asHalt(error);
    await endStragglers(deck.ship.mark); // a git command that was cut off may have left a helper behind
    // A line that is down is no failure of the task.
    if (!(halt instanceof Halt)) await release(deck, grant, (error as Error).message, !(error instanceof HelmAway), signal);
    else if (halt.kind === "stale")
      journal.note("dropped", `task ${task.id}  dropped: ${halt.message}`, { task: task.id, epoch });
    else {
      if (halt.kind === "stop") await farewell(deck, grant, halt.message);
      throw halt;
    }
  } finally {
    log.close();
    heartbeat.claim = null;
    heartbeat.note = "";
  }
}

async function deliver(deck: Deck, grant: Grant, log: TaskLog, signal: AbortSignal): Promise<void> {
  const { hello, tree, journal } = deck;
  const { task, epoch } = grant;
  const failed = (reason: string) => release(deck, grant, reason, true, signal);
  const job = { grant, cwd: tree.folder, env: handEnvironment(deck, grant), mark: deck.ship.mark, signal, onOutput: log.write };
  let seconds = 0;
  let parents = [grant.tip];
  let done: HandResult | null = null;
  await tree.reset(hello.voyage.branch, grant.tip, signal);

  for (let round = 1; ; round++) {
    if (!done) {
      done = await rehearse(job);
      seconds += done.seconds;
      if (done.failed) return failed(done.failed);
    }
    const commit = await tree.commit(parents, message(deck, grant, done.summary), signal);
    const check = await runCheck(deck, grant, log, signal);
    if (check && check.exitCode !== 0) return failed(`the check failed, exit status ${check.exitCode}\n${check.output}`);

    await tree.push(commit, task.id, epoch, signal);
    const stat = await tree.shortStat(parents.at(-1)!, commit, signal);
    const summary = [done.summary, stat].filter(Boolean).join("; ");
    const body = { task: task.id, epoch, commit, summary, check, seconds };
    const reply = await settle(deck, () =>
      deck.helm.call<AcceptReply>("accept", body, { totalMs: hello.leaseSeconds * 1000, signal }),
    );
    if (reply.kind === "accepted") {
      journal.note("accepted", `task ${task.id}  accepted: ${summary || "no change"}`, {
        task: task.id,
        epoch,
        commit,
        tip: reply.tip,
        seconds,
      });
      return;
    }

    journal.note("conflict", `task ${task.id}  others changed ${reply.files.join(", ")} meanwhile`, {
      task: task.id,
      epoch,
      tip: reply.tip,
      round,
    });
    if (round === ROUNDS) return failed(`in conflict with the tip ${ROUNDS} times, at last in ${reply.files.join(", ")}`);
    await tree.fetch(hello.voyage.branch, signal);
    if (await tree.merge(reply.tip, signal)) {
      parents = [commit, reply.tip];
    } else {
      await tree.reset(hello.voyage.branch, reply.tip, signal);
      parents = [reply.tip];
      done = null;
    }
  }
}

/** The plan's own check, from the ledger's copy (design 11), in the tree as committed. A timeout counts as a failure. */
async function runCheck(
  deck: Deck,
  grant: Grant,
  log: TaskLog,
  signal: AbortSignal,
): Promise<{ exitCode: number; output: string } | null> {
  if (grant.check === null) return null;
  const ran = await run({
    argv: ["bash", "-c", grant.check],
    cwd: deck.tree.folder,
    env: handEnvironment(deck, grant),
    timeoutMs: CHECK_MS,
    mark: deck.ship.mark,
    signal,
    onOutput: log.write,
  });
  return { exitCode: ran.timedOut ? 124 : (ran.exitCode ?? 137), output: ran.tail };
}

/** Gives a claim back. Throws Halt and Refused. */
async function release(deck: Deck, grant: Grant, reason: string, failed: boolean, signal: AbortSignal): Promise<void> {
  const { task, epoch } = grant;
  deck.journal.note("released", `task ${task.id}  given back: ${reason.split("\n")[0]}`, {
    task: task.id,
    epoch,
    failed,
    reason: reason.slice(-8000),
  });
  const body = { task: task.id, epoch, reason: ends(reason), failed };
  try {
    await settle(deck, () => deck.helm.call<ReleaseReply>("release", body, { totalMs: deck.hello.leaseSeconds * 1000, signal }));
  } catch (error) {
    throw error instanceof Halt || error instanceof Refused ? error : new Halt("silence", (error as Error).message);
  }
}

/** An ordered end: the claim goes back unharmed, what the hand has so far is saved. Whoever ordered it waits, so nothing is waited for long. */
async function farewell(deck: Deck, grant: Grant, reason: string): Promise<void> {
  const signal = AbortSignal.timeout(FAREWELL_MS);
  await Promise.allSettled([release(deck, grant, reason, false, signal), deck.tree.saveLeft(grant.tip, signal)]);
}

async function settle<T>(deck: Deck, ask: () => Promise<T>): Promise<T> {
  deck.heartbeat.settling = true;
  try {
    return await ask();
  } finally {
    deck.heartbeat.settling = false;
  }
}

/** First line and tail: a reason's head says what, its tail why (lib/ship-api.ts: ≤ 8192). */
function ends(reason: string): string {
  if (reason.length <= 8000) return reason;
  return `${reason.slice(0, 200)}\n…\n${reason.slice(-7700)}`;
}

function handEnvironment({ ship, hello, tree }: Deck, { task, epoch }: Grant): NodeJS.ProcessEnv {
  return {
    ...withoutGit(process.env),
    ...tree.identity(),
    TASK_ID: task.id,
    TASK_SUBJECT: task.subject,
    TASK_EPOCH: String(epoch),
    SHIP: ship.config.ship,
    VOYAGE: ship.config.voyageId,
    VOYAGE_NAME: hello.voyage.name,
  };
}

function message({ ship }: Deck, { task }: Grant, summary: string): string {
  const subject = task.subject.replace(/\s+/g, " ").trim();
  const body = summary ? `${summary}\n\n` : "";
  return `${subject}\n\n${body}Task: ${task.id}\nShip: ${ship.config.ship}\nVoyage: ${ship.config.voyageId}\n`;
}
