import { OcaptainError } from "../../lib/base/errors.ts";
import type { AcceptReply, AcceptRequest } from "../../lib/protocol/ship-api.ts";
import type { Clock } from "../clock.ts";
import * as claims from "../ledger/claims.ts";
import { checkOf } from "../ledger/grant.ts";
import { type Intent, type Ledger, type Life, parseTask, type TaskRecord } from "../ledger/ledger.ts";
import { Refused } from "../ledger/refused.ts";
import type { Log } from "../log.ts";
import type { Branch, Merged } from "../repository/branch.ts";
import { HttpError } from "../server/http.ts";
import { type Claim, Races } from "./races.ts";
import { Lane } from "./serial-queue.ts";
import { Turns } from "./turns.ts";

type Parts = {
  id: string;
  ledger: Ledger;
  branch: Branch;
  clock: Clock;
  log: Log;
  changed: (...tasks: string[]) => Promise<void>;
  moved: (tip: string) => void;
  /** git could not do what an accept needs; null: it could. */
  inTrouble: (error: unknown) => void;
  /** How long an accept waits here for its turn. @default {@link HOLD_MS} */
  holdMs?: number;
};

/** Times that somebody else (a person, in the captain's folder) may move the branch under one accept. */
const MOVES = 5;
const HOLD_MS = 8_000;
/** Codes of lib/git/run.ts, and of a branch that is not there. */
const GIT_FAILED = /^(GIT|GIT_TIMEOUT|NO_BRANCH)$/;

/**
 * Brings a ship's commit onto the branch, one accept at a time in a voyage (design 8), by turns among the ships. A merge may take long, and changes
 * nothing: only what follows it, from the intent to the ledger, keeps others out.
 */
export class Accepting {
  readonly #parts: Parts;
  readonly #lane = new Lane();
  /** Of one claim a crew asks once, and again when the answer is late. */
  readonly #turns = new Turns<number>({ all: 1, each: 1, waiting: 4 });
  readonly #underWay = new Map<string, Promise<AcceptReply>>();
  readonly #races: Races;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#races = new Races(parts.clock, (id, epoch) => {
      const task = parts.ledger.task(id);
      return task?.status === "claimed" && task.epoch === epoch;
    });
  }

  /** While `job` runs no accept moves the branch, and none that was cut short is open: what the branch holds is in the ledger. */
  async alone<T>(job: () => Promise<T>): Promise<T> {
    const { changed } = this.#parts;
    let settled: string[] = [];
    try {
      return await this.#lane.run(async () => {
        settled = await this.#settle();
        return job();
      });
    } finally {
      if (settled.length > 0) await changed(...settled);
    }
  }

  /** Throws {@link Refused}: fenced, stale-epoch, not-holder, check-failed, unknown-commit; HttpError 503 when too many of that life wait, or another task goes first. */
  accept(caller: Life, ask: AcceptRequest): Promise<AcceptReply> {
    const key = `${caller.life}/${ask.requestId}`;
    const same = this.#underWay.get(key);
    if (same) return same;
    const mine = this.#inTurn(caller, ask).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, mine);
    return mine;
  }

  async #inTurn(caller: Life, ask: AcceptRequest): Promise<AcceptReply> {
    const { branch, changed, log, id } = this.#parts;
    const reply = await this.#whenFirst(() => this.#turns.run(caller.life, () => this.#accept(caller, ask))).catch(
      (error: unknown) => {
        if (error instanceof OcaptainError && GIT_FAILED.test(error.code)) this.#parts.inTrouble(error);
        throw error;
      },
    );
    await changed(ask.task);
    if (reply.kind === "accepted") {
      log("accepted", { voyage: id, ship: caller.ship, task: ask.task, epoch: ask.epoch, tip: reply.tip });
      branch.showTip().catch((error) => log("workspace-not-moved", { voyage: id, error: String(error) }));
    }
    return reply;
  }

  /** The answer that is known already, or the claim that may be accepted. */
  #judge(caller: Life, ask: AcceptRequest): AcceptReply | TaskRecord {
    const { ledger } = this.#parts;
    const stored = ledger.reply<AcceptReply>(caller.life, ask.requestId);
    if (stored) return stored;
    claims.assertAlive(ledger, caller.life);
    const known = ledger.task(ask.task);
    // Accepted before, under another request id: a supervisor that was started again asks so.
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
    const { branch } = this.#parts;
    const task = await this.alone(async () => this.#judge(caller, ask));
    if ("kind" in task) return task;
    const { subject } = parseTask(task.body);
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
      });
      if (merged.kind === "unknown-commit") throw new Refused("unknown-commit", merged.message);
      await this.#assertFirst(claim, merged);
      if (merged.kind === "conflict") {
        this.#races.conflict(claim, merged.files);
        this.#parts.moved(merged.tip);
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
      if (await this.alone(() => this.#move(intent))) return { kind: "accepted", tip: merged.commit };
    }
    throw new OcaptainError(
      "BRANCH_MOVES",
      `branch ${branch.name} was moved ${MOVES} times while task ${task.id} was being accepted`,
    );
  }

  /** While another task goes first it waits, for less than a ship waits for an answer. */
  async #whenFirst<T>(job: () => Promise<T>): Promise<T> {
    for (const until = performance.now() + (this.#parts.holdMs ?? HOLD_MS); ; ) {
      try {
        return await job();
      } catch (error) {
        if (!(error instanceof HttpError && error.code === GOES_FIRST) || performance.now() >= until) throw error;
        await this.#races.moved();
      }
    }
  }

  /** Throws HttpError 503 when one that stands in line before this task touches the same files. */
  async #assertFirst(claim: Claim, merged: Exclude<Merged, { kind: "unknown-commit" }>): Promise<void> {
    if (this.#races.isFree(claim.task)) return;
    const { branch } = this.#parts;
    const files = merged.kind === "conflict" ? merged.files : await branch.touched(merged.tip, merged.commit);
    const first = this.#races.before(claim.task, files);
    if (first === undefined) return;
    this.#races.waits(claim, files);
    throw goesFirst(first);
  }

  /** Alone. The claim may have ended while the merge was made: then the intent is refused. False when somebody else has moved the branch. */
  async #move(intent: Intent): Promise<boolean> {
    const { ledger, branch } = this.#parts;
    await ledger.store.write(() => claims.intend(ledger, intent));
    if (await branch.move(intent.from_tip, intent.to_commit)) {
      this.#parts.inTrouble(null);
      await this.#finish(intent);
      return true;
    }
    await ledger.store.write(() => claims.dropIntent(ledger, intent.task));
    return false;
  }

  /** After a death of the helm; no call comes in yet. What git does not answer now is settled before anything else is. */
  async recover(): Promise<void> {
    const { log, id } = this.#parts;
    await this.#settle().catch((error) => log("not-recovered", { voyage: id, error: String(error) }));
  }

  /**
   * An accept that was cut short (the helm died, or git did not answer): one whose move took place is finished, one whose move did not is dropped, and
   * its ship asks again. Returns the tasks.
   */
  async #settle(): Promise<string[]> {
    const { ledger, branch, log, id } = this.#parts;
    const standing = ledger.store.all<Intent>("SELECT * FROM intents");
    for (const intent of standing) {
      const moved = await branch.holds(intent.to_commit);
      const finished = moved && claims.stands(ledger, intent);
      log("recovered", { voyage: id, task: intent.task, epoch: intent.epoch, finished, moved });
      if (finished) await this.#finish(intent);
      else await ledger.store.write(() => claims.dropIntent(ledger, intent.task));
    }
    return standing.map((intent) => intent.task);
  }

  async #finish(intent: Intent): Promise<void> {
    const { ledger, branch, moved } = this.#parts;
    // Before the ledger frees the tasks that waited: their grants' tip must hold this one.
    moved(await branch.tip());
    await ledger.store.write(() => claims.accepted(ledger, intent));
    this.#races.accepted(intent);
  }
}

const GOES_FIRST = "turn";
/** No answer yet: a ship asks again, by itself, as of a helm that is busy. */
const goesFirst = (task: string) => new HttpError(503, GOES_FIRST, `task ${task} changes the same files, and goes first`);
