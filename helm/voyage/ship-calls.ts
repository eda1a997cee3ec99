import type { HandSettings, PlanHandSettings } from "../../lib/plan/types.ts";
import type {
  AcceptReply,
  AcceptRequest,
  AskRequest,
  ClaimReply,
  ClaimRequest,
  Grant,
  Heartbeat,
  HeartbeatReply,
  Hello,
  HelloReply,
  LimitedReply,
  LimitedRequest,
  ReleaseReply,
  ReleaseRequest,
  SessionRequest,
  TrialRequest,
  UnverifiedRequest,
  UsageRequest,
  VerifiedReply,
  VerifiedRequest,
} from "../../lib/protocol/ship-api.ts";
import { blockSpent, blockSpentBeforeGrant, whyVoyageIsSpent } from "../ledger/budget.ts";
import * as claims from "../ledger/claims.ts";
import { isTriedAnew } from "../ledger/faults.ts";
import { grantOf } from "../ledger/grant.ts";
import * as hands from "../ledger/hand-reports.ts";
import type { Life } from "../ledger/ledger.ts";
import { limitOf, noteLimit } from "../ledger/limits.ts";
import { Refused } from "../ledger/refused.ts";
import type { Accepting } from "./accepting.ts";
import type { Voyage } from "./voyage.ts";

/** Of "nothing" answers only the newest few of a ship can still be asked for again. */
const NOTHINGS_KEPT = 32;

type Parts = {
  voyage: Voyage;
  accepting: Accepting;
  /** Task files and watchers are told. */
  changed: (...tasks: string[]) => Promise<void>;
  notify: () => void;
};

type Nothing = Omit<Extract<ClaimReply, { kind: "nothing" }>, "free">;

/** What ships ask of a voyage (lib/protocol/ship-api.ts). Each call takes the caller's life, which its token was minted for, and throws {@link Refused}. */
export class ShipCalls {
  readonly #voyage: Voyage;
  readonly #accepting: Accepting;
  readonly #changed: Parts["changed"];
  readonly #notify: Parts["notify"];
  /** Without the list of free tasks, which may be long, and is of the moment. */
  readonly #nothings = new Map<number, Map<string, Nothing>>();

  constructor(parts: Parts) {
    this.#voyage = parts.voyage;
    this.#accepting = parts.accepting;
    this.#changed = parts.changed;
    this.#notify = parts.notify;
  }

  async hello(caller: Life, ask: Hello): Promise<HelloReply> {
    this.#seen(caller, ask.incarnation);
    await this.#ledger.store.write(() => {
      claims.assertAlive(this.#ledger, caller.life);
      this.#ledger.store.run("UPDATE lives SET hello_at = ?, greeted = 1 WHERE life = ?", this.#ledger.at(), caller.life);
    });
    const held = this.#ledger.claimOf(caller.life);
    this.#notify();
    return {
      voyage: {
        id: this.#voyage.id,
        stack: this.#ledger.meta("stack")!,
        branch: this.#voyage.branch,
        name: this.#ledger.meta("name")!,
      },
      ship: caller.ship,
      hand: this.#ledger.meta("hand") === "claude" ? "claude" : "rehearsal",
      ...this.#voyage.timing,
      ...this.#trialDue(caller),
      ...this.#interactive(),
      claim: held ? this.#withSpec(grantOf(this.#ledger, held)) : null,
      ...(isTriedAnew(this.#ledger, caller.life) && { anew: true as const }),
    };
  }

  async claim(caller: Life, ask: ClaimRequest): Promise<ClaimReply> {
    this.#seen(caller, ask.incarnation);
    const nothings = this.#nothings.get(caller.life);
    const nothing = nothings?.get(ask.requestId);
    if (nothing) return ask.only === undefined ? nothing : { ...nothing, free: this.#ledger.freeTasks() };
    const retryAfterSeconds = Math.min(2, this.#voyage.timing.heartbeatSeconds / 5);
    let blocked: string[] = [];
    const reply = await this.#ledger.store.write(() => {
      const stored = this.#ledger.reply<ClaimReply>(caller.life, ask.requestId);
      if (stored) return stored;
      const life = claims.assertAlive(this.#ledger, caller.life);
      blocked = blockSpentBeforeGrant(this.#ledger);
      // What comes of it could not be accepted.
      const isHeldUp = this.#voyage.trouble !== null && !this.#ledger.claimOf(caller.life);
      if (isHeldUp) return { kind: "nothing" as const, reason: "paused" as const, retryAfterSeconds };
      const made = claims.claim(this.#ledger, life, this.#voyage.tip, retryAfterSeconds, ask.only);
      return made.kind === "nothing" ? made : this.#ledger.remember(caller.life, ask.requestId, made);
    });
    if (blocked.length > 0) void this.#changed(...blocked);
    if (reply.kind === "nothing") {
      // Remembered in memory: it changed nothing, and no request outlives the helm's own death.
      const kept = nothings ?? new Map<string, Nothing>();
      const { free: _, ...brief } = reply;
      kept.set(ask.requestId, brief);
      if (kept.size > NOTHINGS_KEPT) kept.delete(kept.keys().next().value!);
      this.#nothings.set(caller.life, kept);
      return reply;
    }
    if (reply.kind !== "grant") return reply;
    void this.#changed(reply.grant.task.id);
    return { kind: "grant", grant: this.#withSpec(reply.grant) };
  }

  /** A spec may be long: it goes with each grant, but is not stored with each. */
  #withSpec(grant: Grant): Grant {
    const spec = this.#ledger.meta("spec");
    return grant.hand && spec ? { ...grant, spec } : grant;
  }

  /** Not remembered by request id: it changes nothing that outlives the helm. */
  heartbeat(caller: Life, ask: Heartbeat): HeartbeatReply {
    this.#seen(caller, ask.incarnation, ask.note);
    claims.assertAlive(this.#ledger, caller.life);
    if (ask.claim) claims.assertHolds(this.#ledger, caller.life, ask.claim.task, ask.claim.epoch);
    return this.#steer(caller);
  }

  #steer(caller: Life): HeartbeatReply {
    if (this.#ledger.ship(caller.ship)?.stopping) return { steer: "stop", reason: "the captain says stop" };
    const spent = whyVoyageIsSpent(this.#ledger);
    if (spent) return { steer: "budget", reason: spent };
    const limited = limitOf(this.#ledger, caller.ship);
    return { steer: "go", ...this.#trialDue(caller), ...(limited && { limitedUntil: limited.until }) };
  }

  #interactive(): { interactive?: NonNullable<HelloReply["interactive"]> } {
    const { interactive, ...settings } = JSON.parse(this.#ledger.meta("claude") || "{}") as PlanHandSettings;
    // An empty sail's one task says by itself how it is done.
    if (!interactive || this.#ledger.meta("hand") !== "claude" || this.#ledger.meta("orders")) return {};
    return { interactive: { ...settings, spec: this.#ledger.meta("spec") ?? "" } };
  }

  #trialDue(caller: Life): { trial?: HandSettings } {
    if (this.#ledger.fitness(caller.life) !== "due") return {};
    return { trial: JSON.parse(this.#ledger.meta("claude") || "{}") as HandSettings };
  }

  async accept(caller: Life, ask: AcceptRequest): Promise<AcceptReply> {
    this.#seen(caller, ask.incarnation);
    return this.#accepting.accept(caller, ask);
  }

  async release(caller: Life, ask: ReleaseRequest): Promise<ReleaseReply> {
    return this.#end(caller, ask, () => claims.release(this.#ledger, caller.life, ask));
  }

  /** Beside no move of the branch: a claim whose branch move is under way must not be given back meanwhile. */
  async #end(
    caller: Life,
    ask: { requestId: string; incarnation: string; task: string },
    end: () => ReleaseReply,
  ): Promise<ReleaseReply> {
    this.#seen(caller, ask.incarnation);
    let blocked: string[] = [];
    const reply = await this.#accepting.alone(() =>
      this.#ledger.store.write(() => {
        const stored = this.#ledger.reply<ReleaseReply>(caller.life, ask.requestId);
        if (stored) return stored;
        claims.assertAlive(this.#ledger, caller.life);
        const ended = end();
        blocked = blockSpent(this.#ledger, [this.#ledger.task(ask.task)]);
        if (blocked.includes(ask.task)) ended.status = "blocked";
        return this.#ledger.remember(caller.life, ask.requestId, ended);
      }),
    );
    await this.#changed(ask.task, ...blocked);
    return reply;
  }

  /** As {@link release}, by a question to the captain. */
  async ask(caller: Life, ask: AskRequest): Promise<ReleaseReply> {
    return this.#end(caller, ask, () => hands.ask(this.#ledger, caller.life, ask));
  }

  /** On disk before the answer: the hand starts after it. */
  async session(caller: Life, ask: SessionRequest): Promise<Record<string, never>> {
    this.#seen(caller, ask.incarnation);
    await this.#ledger.store.write(() => {
      claims.assertAlive(this.#ledger, caller.life);
      hands.beginSession(this.#ledger, caller.life, ask);
    });
    return {};
  }

  /** Of a fenced life too: what it has spent is spent. Task files say it at a run's end: as it grows each ship's sync would have to carry it. */
  async usage(caller: Life, ask: UsageRequest): Promise<HeartbeatReply> {
    if (!caller.fenced) this.#seen(caller, ask.incarnation);
    const blocked = await this.#ledger.store.write(() => {
      hands.noteUsage(this.#ledger, caller.life, ask);
      return ask.task === undefined ? [] : blockSpent(this.#ledger, [this.#ledger.task(ask.task)]);
    });
    const ended = ask.growing || ask.task === undefined ? [] : [ask.task];
    if (ended.length + blocked.length > 0) await this.#changed(...ended, ...blocked);
    else this.#notify();
    return this.#steer(caller);
  }

  /** What came of the trial of its hand. Again after each launch. */
  async trial(caller: Life, ask: TrialRequest): Promise<Record<string, never>> {
    this.#seen(caller, ask.incarnation);
    await this.#ledger.store.write(() => {
      claims.assertAlive(this.#ledger, caller.life);
      this.#ledger.setFitness(caller.life, ask.fit ? "fit" : { unfit: ask.message });
    });
    this.#notify();
    return {};
  }

  async limited(caller: Life, ask: LimitedRequest): Promise<LimitedReply> {
    this.#seen(caller, ask.incarnation);
    const until = await this.#ledger.store.write(() => {
      claims.assertAlive(this.#ledger, caller.life);
      noteLimit(this.#ledger, caller.ship, ask);
      return limitOf(this.#ledger, caller.ship)?.until ?? ask.until;
    });
    this.#notify();
    return { until };
  }

  async verified(caller: Life, ask: VerifiedRequest): Promise<VerifiedReply> {
    this.#seen(caller, ask.incarnation);
    await this.#ledger.store.write(() => {
      if (this.#ledger.reply(caller.life, ask.requestId)) return;
      claims.assertAlive(this.#ledger, caller.life);
      claims.verified(this.#ledger, caller.life, ask);
      this.#ledger.remember(caller.life, ask.requestId, {});
    });
    await this.#changed();
    return { state: this.#voyage.status().state };
  }

  async unverified(caller: Life, ask: UnverifiedRequest): Promise<Record<string, never>> {
    this.#seen(caller, ask.incarnation);
    await this.#ledger.store.write(() => {
      if (this.#ledger.reply(caller.life, ask.requestId)) return;
      claims.assertAlive(this.#ledger, caller.life);
      claims.unverified(this.#ledger, caller.life, ask);
      this.#ledger.remember(caller.life, ask.requestId, {});
    });
    await this.#changed();
    return {};
  }

  /** A presence stream is open until the returned function is called. Throws Refused `fenced`. */
  present(caller: Life, say: (line: object) => void): () => void {
    claims.assertAlive(this.#ledger, caller.life);
    const close = this.#voyage.sightings.open(caller.life, say);
    if (this.#ledger.ship(caller.ship)?.stopping) say({ type: "stop", reason: "the captain says stop" });
    this.#notify();
    return () => {
      close();
      this.#notify();
    };
  }

  get #ledger() {
    return this.#voyage.ledger;
  }

  #seen(caller: Life, incarnation: string, note?: string): void {
    if (caller.incarnation !== incarnation) {
      throw new Refused("wrong-incarnation", `this token is for ${caller.ship} (${caller.incarnation}), not for ${incarnation}`);
    }
    this.#voyage.sightings.seen(caller.life, note);
    this.#voyage.leases.renew(caller.life);
  }
}
