import { OcaptainError } from "../../lib/base/errors.ts";
import { mergesOf } from "../../lib/plan/follow-up.ts";
import { declaredTouches } from "../../lib/plan/touches.ts";
import type { AcceptReply, AcceptRequest } from "../../lib/protocol/ship-claims.ts";
import type { Outside } from "../../lib/protocol/status.ts";
import { HttpError } from "../http-error.ts";
import * as claims from "../ledger/claims.ts";
import { noteEvent } from "../ledger/events.ts";
import { checkOf } from "../ledger/grant.ts";
import * as intents from "../ledger/intents.ts";
import { type Intent, type Life, parseTask, type TaskRecord } from "../ledger/ledger.ts";
import { Refused } from "../ledger/refused.ts";
import { signingOf } from "../ledger/signing.ts";
import type { Merged } from "../repository/branch.ts";
import type { VoyageContext } from "./context.ts";
import { type Claim, Races } from "./races.ts";
import { SerialQueue } from "./serial-queue.ts";
import { Turns } from "./turns.ts";

/** How many files of a conflict its event names. */
const MOST_NAMED = 5;
/** How often somebody else (a person, in the captain's folder) may move the branch under one accept. */
const MOVES = 5;
/** Errors of git itself (lib/git/run.ts), and of a branch that is not there. */
const GIT_FAILED = /^(GIT|GIT_TIMEOUT|NO_BRANCH)$/;

/**
 * Brings ships' commits onto the branch, one accept at a time in a voyage, by turns among the ships
 * (docs/design.md#accept). A merge may take long, and changes nothing: only what follows it, from the intent to the
 * ledger, keeps others out.
 */
export class Accepting {
  readonly #context: VoyageContext;
  readonly #queue = new SerialQueue();
  /**
   * Accepts that wait for their turn. A crew asks once for a claim, and again when the answer is late: so few of one
   * life may wait.
   */
  readonly #turns = new Turns<number>({ all: 1, each: 1, waiting: 4 });
  readonly #underWay = new Map<string, Promise<AcceptReply>>();
  readonly #races: Races;

  constructor(context: VoyageContext) {
    this.#context = context;
    this.#races = new Races(context.clock, (id, epoch) => {
      const task = context.ledger.task(id);
      return task?.status === "claimed" && task.epoch === epoch;
    });
  }

  /**
   * Runs `job` while no accept moves the branch and none that was cut short is open: what the branch holds is in the
   * ledger.
   */
  async alone<T>(job: () => Promise<T>): Promise<T> {
    let settled: string[] = [];
    try {
      return await this.#queue.run(async () => {
        settled = await this.#settle();
        return job();
      });
    } finally {
      if (settled.length > 0) await this.#context.changed(...settled);
    }
  }

  /**
   * Accepts a commit, or says that it is in conflict. The same request may come again, also while it is under way.
   * @throws Refused fenced, stale-epoch, not-holder, check-failed or unknown-commit
   * @throws HttpError 503 when too many accepts of that life wait, or another task goes first
   */
  accept(caller: Life, ask: AcceptRequest): Promise<AcceptReply> {
    const key = `${caller.life}/${ask.requestId}`;
    const same = this.#underWay.get(key);
    if (same) return same;
    const mine = this.#inTurn(caller, ask).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, mine);
    return mine;
  }

  async #inTurn(caller: Life, ask: AcceptRequest): Promise<AcceptReply> {
    const { branch, log, id } = this.#context;
    const reply = await this.#whenFirst(() => this.#turns.run(caller.life, () => this.#accept(caller, ask))).catch(
      async (error: unknown) => {
        if (error instanceof OcaptainError && GIT_FAILED.test(error.code)) this.#context.noteTrouble(error);
        if (error instanceof Refused && error.refusal.error === "check-failed") await this.#noteCheck(caller, ask, error);
        throw error;
      },
    );
    await this.#context.changed(ask.task);
    if (reply.kind === "accepted") {
      log("accepted", { voyage: id, ship: caller.ship, task: ask.task, epoch: ask.epoch, tip: reply.tip });
      branch.showTip().catch((error) => log("workspace-not-moved", { voyage: id, error: String(error) }));
    }
    return reply;
  }

  #noteCheck({ ship }: Life, { task, epoch }: AcceptRequest, { message }: Refused): Promise<void> {
    const { ledger } = this.#context;
    return ledger.write(() => noteEvent(ledger, "check-failed", { task, ship, epoch, reason: message }));
  }

  /** Finds the answer that is known already, or the task that may be accepted. */
  #judge(caller: Life, ask: AcceptRequest): AcceptReply | TaskRecord {
    const { ledger } = this.#context;
    const stored = ledger.reply<AcceptReply>(caller.life, ask.requestId);
    if (stored) return stored;
    claims.assertAlive(ledger, caller.life);
    const known = ledger.task(ask.task);
    // It was accepted before, under another request id: a supervisor that was started again asks so.
    if (
      known?.status === "accepted" &&
      known.epoch === ask.epoch &&
      known.life === caller.life &&
      known.ship_commit === ask.commit
    ) {
      return { kind: "accepted", tip: known.commit_id! };
    }
    const task = claims.assertHolds(ledger, caller.life, ask.task, ask.epoch);
    const text = parseTask(task.body);
    if (checkOf(text) !== null && ask.check?.exitCode !== 0) {
      throw new Refused(
        "check-failed",
        ask.check
          ? `the check of task ${task.id} ended with ${ask.check.exitCode}`
          : `task ${task.id} has a check, and it was not run`,
      );
    }
    return task;
  }

  async #accept(caller: Life, ask: AcceptRequest): Promise<AcceptReply> {
    const { branch } = this.#context;
    const task = await this.alone(async () => this.#judge(caller, ask));
    if ("kind" in task) return task;
    const { subject, metadata } = parseTask(task.body);
    const claim = { task: task.id, epoch: task.epoch, life: caller.life };
    const first = this.#races.stillBefore(task.id, task.epoch);
    if (first !== undefined) throw goesFirst(first);

    for (let attempt = 0; attempt < MOVES; attempt++) {
      const merged = await branch.merge({
        ship: caller.ship,
        task: task.id,
        epoch: task.epoch,
        commit: ask.commit,
        subject,
        touches: declaredTouches(metadata),
        merges: mergesOf(metadata),
        ...signingOf(this.#context.ledger),
      });
      if (merged.kind === "unknown-commit") throw new Refused("unknown-commit", merged.message);
      await this.#assertFirst(claim, merged);
      if (merged.kind === "conflict") {
        this.#races.conflict(claim, merged.files);
        await this.#noteConflict(caller, task, merged.files);
        this.#context.tip = merged.tip;
        return merged;
      }
      const intent: Intent = {
        task: task.id,
        epoch: task.epoch,
        life: caller.life,
        request: ask.requestId,
        from_tip: merged.tip,
        to_commit: merged.commit,
        ship_commit: ask.commit,
        summary: ask.summary,
      };
      if (await this.alone(() => this.#move(intent, merged.outside))) return { kind: "accepted", tip: merged.commit };
    }
    throw new OcaptainError(
      "BRANCH_MOVES",
      `branch ${branch.name} was moved ${MOVES} times while task ${task.id} was being accepted`,
    );
  }

  #noteConflict(caller: Life, { id, epoch }: TaskRecord, files: readonly string[]): Promise<void> {
    const { ledger } = this.#context;
    const data = { files: files.slice(0, MOST_NAMED), count: files.length };
    return ledger.write(() => noteEvent(ledger, "merge-conflict", { task: id, ship: caller.ship, epoch, data }));
  }

  /**
   * Runs `job`, and again while another task goes first; it gives up before its ship gives up waiting for an answer.
   */
  async #whenFirst<T>(job: () => Promise<T>): Promise<T> {
    for (const until = performance.now() + this.#context.holdMs; ; ) {
      try {
        return await job();
      } catch (error) {
        if (!(error instanceof HttpError && error.code === GOES_FIRST) || performance.now() >= until) throw error;
        await this.#races.moved();
      }
    }
  }

  /** @throws HttpError 503 when a task that stands in line before this one touches the same files */
  async #assertFirst(claim: Claim, merged: Exclude<Merged, { kind: "unknown-commit" }>): Promise<void> {
    if (this.#races.isFree(claim.task)) return;
    const { branch } = this.#context;
    const files = merged.kind === "conflict" ? merged.files : await branch.touched(merged.tip, merged.commit);
    const first = this.#races.before(claim.task, files);
    if (first === undefined) return;
    this.#races.waits(claim, files);
    throw goesFirst(first);
  }

  /**
   * Moves the branch and accepts the task. To be called alone. Returns false when somebody else has moved the branch.
   * @throws Refused when the claim has ended while the merge was made
   */
  async #move(intent: Intent, outside: Outside | undefined): Promise<boolean> {
    const { ledger, branch } = this.#context;
    await ledger.write(() => intents.intend(ledger, intent, outside));
    if (await branch.move(intent.from_tip, intent.to_commit)) {
      this.#context.noteTrouble(null);
      await this.#finish(intent);
      return true;
    }
    await ledger.write(() => intents.dropIntent(ledger, intent.task));
    return false;
  }

  /**
   * Settles what a death of the helm has cut short, before any call comes in. What git does not answer now is settled
   * before anything else is.
   */
  async recover(): Promise<void> {
    const { log, id } = this.#context;
    await this.#settle().catch((error) => log("not-recovered", { voyage: id, error: String(error) }));
  }

  /**
   * Settles accepts that were cut short (the helm died, or git did not answer): one whose move took place is finished,
   * one whose move did not is dropped, and its ship asks again. Returns the tasks.
   */
  async #settle(): Promise<string[]> {
    const { ledger, branch, log, id } = this.#context;
    const open = intents.openIntents(ledger);
    for (const intent of open) {
      const moved = await branch.holds(intent.to_commit);
      const finished = moved && intents.stands(ledger, intent);
      log("recovered", { voyage: id, task: intent.task, epoch: intent.epoch, finished, moved });
      if (finished) await this.#finish(intent);
      else await ledger.write(() => intents.dropIntent(ledger, intent.task));
    }
    return open.map((intent) => intent.task);
  }

  async #finish(intent: Intent): Promise<void> {
    const { ledger, branch } = this.#context;
    // Before the ledger frees the tasks that waited: the tip of their grants must hold this one.
    this.#context.tip = await branch.tip();
    await ledger.write(() => intents.accepted(ledger, intent));
    this.#races.accepted(intent);
  }
}

const GOES_FIRST = "turn";
/** The answer that is none yet: a ship asks again by itself, as it does of a helm that is busy. */
const goesFirst = (task: string) => new HttpError(503, GOES_FIRST, `task ${task} changes the same files, and goes first`);
