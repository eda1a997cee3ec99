import type { ClaimContext } from "../../../claim/context.ts";
import type { HookInput } from "../../../gates/gatekeeper.ts";
import { type Failure, wordsOf } from "../failure.ts";
import { backOff, FAILURES, holdVoyage, waitOut, waitWithMoney } from "../retry-policy.ts";
import { failureByHook } from "./hook-failure.ts";

/** What the owner of a session decides about its failures. */
export type RecoveryParts = {
  /** Decides whether a limit is waited for in the session, which is then told to go on. */
  waitsFor: (untilMs: number) => boolean;
  /**
   * Is called when the session is not told to go on: a limit that is not waited for, refused credentials, an API that
   * stays away, no money.
   */
  onStuck: (why: string, kind: Failure["kind"] | "spent") => void;
};

/**
 * Brings a session with its own screen on its way again when the API has ended its turn. By itself the session waits
 * for a person to send the message again, or, after a limit, until that is over, but not always. So it is told to go
 * on.
 */
export class Recovery {
  readonly #context: ClaimContext;
  readonly #parts: RecoveryParts;
  readonly #say: (text: string, signal: AbortSignal) => Promise<void>;
  #inARow = 0;
  #waiting: { for: string | undefined; end: AbortController } | null = null;
  /**
   * Whether the screen may be asking what to do, and would take what is typed for the answer: a limit has ended the
   * turn, and nothing has come since.
   */
  asking = false;

  constructor(context: ClaimContext, parts: RecoveryParts, say: (text: string, signal: AbortSignal) => Promise<void>) {
    this.#context = context;
    this.#parts = parts;
    this.#say = say;
  }

  /** The status line was shown. */
  shown(input: HookInput): void {
    if (this.#isLater(input)) this.asking = false;
  }

  /** The model has answered. When that was to a later prompt, somebody or Claude Code itself has gone on. */
  answered(input: HookInput): void {
    this.#inARow = 0;
    this.asking = false;
    if (this.#isLater(input)) this.#waiting?.end.abort();
  }

  #isLater({ prompt_id: prompt }: HookInput): boolean {
    return prompt !== undefined && prompt !== this.#waiting?.for;
  }

  /**
   * Deals with a StopFailure and returns when all is done about it. Throws when `session` aborts, or somebody has gone
   * on.
   */
  async failed(input: HookInput, session: AbortSignal): Promise<void> {
    const { journal, steering, hello } = this.#context;
    this.#waiting?.end.abort();
    const end = new AbortController();
    this.#waiting = { for: input.prompt_id, end };
    const signal = AbortSignal.any([session, end.signal]);

    const failure = await failureByHook(input, signal);
    const why = wordsOf(failure);
    this.asking = failure.kind === "limit";
    if (failure.kind === "api") {
      this.#inARow++;
      journal.note("api", `${why}, ${this.#inARow} times in a row`);
    } else journal.note(failure.kind, why);

    if (failure.kind === "api" && this.#inARow < FAILURES)
      await waitWithMoney(this.#context, backOff(hello, this.#inARow), signal);
    else {
      // Whether the helm is there is judged by the heartbeat.
      const untilMs = await holdVoyage(this.#context, failure, session).catch(() => failure.resetsAtMs ?? Date.now());
      signal.throwIfAborted();
      if (failure.kind !== "limit" || !this.#parts.waitsFor(untilMs)) return this.#parts.onStuck(why, failure.kind);
      await waitOut(this.#context, untilMs, signal);
    }
    if (steering.spent !== null) return this.#parts.onStuck(steering.spent, "spent");
    await this.#say(`${failure.kind === "limit" ? "The usage limit is over" : "The API failed"}. Go on where you were.`, signal);
  }
}
