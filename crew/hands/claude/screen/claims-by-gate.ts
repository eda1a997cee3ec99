import { randomUUID } from "node:crypto";
import type { ClaimReply, Grant } from "../../../../lib/protocol/ship-claims.ts";
import { type ClaimContext, forALease } from "../../../claim/context.ts";
import type { Hand, HandEnd } from "../../../claim/hand.ts";
import { work } from "../../../claim/work.ts";
import { gatekeeperFor } from "../../../gates/for-claim.ts";
import { type Gatekeeper, type HookInput, NO_NEW_TASKS, no, type Verdict, yes } from "../../../gates/gatekeeper.ts";
import { judgeCommand } from "../../../gates/git-rules.ts";
import { pause } from "../../../machine/pause.ts";
import { METER_LATE_MS, type Meter } from "../account/meter.ts";
import { Spending } from "../account/spending.ts";
import { renderPrompt } from "../prompt.ts";
import { SpendBeside } from "./spend-beside.ts";

/** The claim that is held. */
type Held = {
  grant: Grant;
  keeper: Promise<Gatekeeper>;
  /** Says why no money is left, for the voyage or for this claim; null while there is some. */
  spent: () => string | null;
  /** Ends the work on the claim from this side. */
  end: (end: HandEnd) => void;
  done: Promise<void>;
};
type Parts = {
  context: ClaimContext;
  /** The meter of the session, which goes on from claim to claim. */
  meter: Meter;
  gateProgram: string;
  /** Returns the pid of Claude Code. */
  claude: () => number;
  /** Runs a claim so that it can be ended from outside (crew/claim-loop.ts). */
  onClaim: (claim: (signal: AbortSignal) => Promise<void>) => Promise<void>;
};

/**
 * Makes the claims that the model of an interactive session asks for, one at a time: TaskUpdate to `in_progress` asks
 * the helm for that task, and is refused when the helm refuses. From there a claim is worked at like any other
 * (crew/claim/work.ts); only its hand is a session that was there before.
 */
export class ClaimsByGate {
  readonly #parts: Parts;
  #held: Held | null = null;
  readonly #accepted = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  readonly #beside: SpendBeside;
  /** How many claims there were so far. */
  taken = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#beside = new SpendBeside(parts.context, parts.meter);
  }

  /** The id of the task that is held; null when none is. */
  get task(): string | null {
    return this.#held?.grant.task.id ?? null;
  }

  /**
   * Why the session is to end, as no money is left for the voyage or for the task that it holds; null while there is
   * some.
   */
  get spent(): string | null {
    return this.#held ? this.#held.spent() : this.#parts.context.steering.spent;
  }

  /** Resolves when nothing is under way that changes a claim. */
  get quiet(): Promise<unknown> {
    return this.#queue;
  }

  /**
   * Answers a hook. The hooks of one message come at the same time; those that may change a claim are answered one
   * after the other.
   */
  judge(input: HookInput): Promise<Verdict> {
    if (input.hook_event_name === "PreToolUse" && input.tool_name !== "TaskUpdate") return this.#tool(input);
    const verdict = this.#queue.then(() => this.#judge(input));
    this.#queue = verdict.catch(() => {});
    return verdict;
  }

  /**
   * Takes a claim that was granted.
   *
   * @param begun whether an earlier crew held it, and the tree is as that crew left it
   */
  take(grant: Grant, begun: boolean): Held {
    const { context, meter } = this.#parts;
    this.taken++;
    let open: (keeper: Gatekeeper) => void = () => {};
    let end: Held["end"] = () => {};
    const ended = new Promise<HandEnd>((resolve) => {
      end = resolve;
    });
    const budgetUsd = grant.hand?.budgetUsd;
    let left = () => budgetUsd;
    const spent = () => context.steering.spent ?? (left() === 0 ? `stopped at $${budgetUsd}, what was left to spend` : null);
    const hand: Hand = async (_deck, _grant, delivery, _log, signal) => {
      if (!begun) await delivery.begin();
      // The hand is the session that has claimed the task, and is at work.
      delivery.handBegan = true;
      const held = { task: grant.task.id, epoch: grant.epoch };
      // The session serves all claims; in the ledger each claim has a session of its own, for its spend.
      const account = randomUUID();
      await context.helm.call("session", { ...held, session: account }, forALease(context, signal));
      const spending = await Spending.open(context, grant, meter);
      spending.begin(account, null);
      left = () => spending.left();
      const over = new AbortController();
      const { gateProgram, claude } = this.#parts;
      open(
        gatekeeperFor(context, grant, delivery, {
          gateProgram,
          claude,
          onHalt: (halt) => over.abort(halt),
          onAccepted: () => {},
          spent,
        }),
      );
      try {
        const outcome = await Promise.race([ended, rejectedBy(AbortSignal.any([signal, over.signal]))]);
        // The answer that has ended the claim belongs to it too, and the meter may hear of it late.
        await pause(METER_LATE_MS, signal);
        this.#beside.without(await spending.end(null, signal));
        return outcome;
      } catch (error) {
        this.#beside.without(await spending.abandon());
        throw error;
      } finally {
        await spending.close();
        this.#beside.watch();
      }
    };
    const keeper = new Promise<Gatekeeper>((resolve) => {
      open = resolve;
    });
    const done = this.#parts
      .onClaim((signal) => work(context, grant, signal, hand))
      .finally(() => {
        this.#held = null;
      });
    // The claim loop hears of a halt by itself.
    done.catch(() => {});
    const early = done.then(() => Promise.reject(new Error(`task ${grant.task.id} could not be begun; it was given back`)));
    early.catch(() => {});
    this.#held = { grant, keeper: Promise.race([keeper, early]), spent, end, done };
    return this.#held;
  }

  /** Tells the helm what the session has used beside its claims, at its end. Never throws. */
  tellBeside(): Promise<void> {
    return this.#beside.tell();
  }

  /** Ends the claim from this side, and waits until it is given back. Quiet when none is held. */
  async giveBack(reason: string): Promise<void> {
    this.#held?.end({ kind: "handed-back", reason });
    await this.settled();
  }

  /** Waits until no claim is worked on. */
  async settled(): Promise<void> {
    await this.#held?.done.catch(() => {});
  }

  /** Judges the use of a tool that changes no claim. */
  async #tool(input: HookInput): Promise<Verdict> {
    if (this.#held) return (await this.#held.keeper).judge(input);
    if (this.spent !== null) return no(`Not done: ${this.spent}. This session ends here. End your turn.`);
    if (input.tool_name === "TaskCreate") return no(NO_NEW_TASKS);
    const refused = input.tool_name === "Bash" ? judgeCommand(String(input.tool_input?.command ?? "")) : null;
    return refused === null ? yes : no(refused);
  }

  async #judge(input: HookInput): Promise<Verdict> {
    switch (input.hook_event_name) {
      case "PreToolUse":
        return this.#update(input);
      case "TaskCompleted":
        return this.#accepted.has(String(input.task_id)) ? yes : no(`Task ${input.task_id} has not been accepted by the helm.`);
      case "Stop":
        return this.#held ? this.#ask(this.#held, input) : yes;
      default:
        throw new Error(`no gate for ${input.hook_event_name}`);
    }
  }

  async #update(input: HookInput): Promise<Verdict> {
    if (this.#held) return this.#ask(this.#held, input);
    const id = String(input.tool_input?.taskId ?? "").replace(/^#/, "");
    if (input.tool_input?.status === "in_progress") return this.#claim(id);
    if (this.#accepted.has(id)) return no(`Task ${id} is accepted: nothing of it can be changed any more.`);
    return no(`You hold no task. Claim one first: TaskUpdate with its taskId and status "in_progress".`);
  }

  async #claim(id: string): Promise<Verdict> {
    const { context } = this.#parts;
    if (!/^\d+$/.test(id)) return no(`There is no task "${id}".`);
    const patience = forALease(context, AbortSignal.timeout(context.hello.leaseSeconds * 1000));
    const reply = await context.helm.call("claim", { only: id }, patience);
    if (reply.kind !== "grant") return no(whyNot(reply, id));
    const held = this.take(reply.grant, false);
    await held.keeper;
    if (reply.grant.task.id !== id) return no(`You hold task ${reply.grant.task.id} already. Go on with it.`);
    const who = { ship: context.ship.config.ship, voyage: context.hello.voyage.name };
    const { spec: _told, ...grant } = reply.grant;
    return { allow: true, context: renderPrompt(grant, who) };
  }

  /**
   * Has the gates of the claim answer. When the answer has ended the claim, the helm knows it before the model does.
   */
  async #ask(held: Held, input: HookInput): Promise<Verdict> {
    const keeper = await held.keeper;
    const verdict = await keeper.judge(input);
    const told = keeper.end;
    if (!told) return verdict;
    if (told.kind === "accepted") this.#accepted.add(held.grant.task.id);
    held.end(told);
    await held.done;
    return verdict;
  }
}

function whyNot(reply: ClaimReply, id: string): string {
  if (reply.kind !== "nothing") return `Task ${id} is not free.`;
  if (reply.reason === "paused") return "No task is given out now. End your turn; you are told when one is free.";
  const free = reply.free?.length
    ? `Free now: ${reply.free.join(", ")}.`
    : "None is free now: end your turn; you are told when one is.";
  return `Not yours: ${reply.why ?? `task ${id} is not free`}. ${free}`;
}

const rejectedBy = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
