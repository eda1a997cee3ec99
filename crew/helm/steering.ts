import type { HeartbeatReply } from "../../lib/protocol/ship-api.ts";
import { Halt } from "./halt.ts";

/**
 * What the helm last said of how this ship is to go on: in the reply to a heartbeat, or to a call that tells what a
 * hand has used.
 */
export class Steering {
  readonly #onStop: (halt: Halt) => void;
  #spent: string | null = null;
  #limit = { untilMs: 0, askedAt: Number.NEGATIVE_INFINITY };

  /** @param onStop is called with a Halt "stop" when the helm orders the end */
  constructor(onStop: (halt: Halt) => void) {
    this.#onStop = onStop;
  }

  /**
   * Why the hand is to end at its next gate and the claim to go back unharmed, as the voyage's budget is spent; null
   * while there is money.
   */
  get spent(): string | null {
    return this.#spent;
  }

  /** Hears whether to go on. */
  hear({ steer, reason }: HeartbeatReply): void {
    this.#spent = steer === "budget" ? (reason ?? "the voyage's budget is spent") : null;
    if (steer === "stop") this.#onStop(new Halt("stop", reason ?? "the helm has told this ship to end"));
  }

  /** Hears until when a usage limit holds this ship. @param askedAt when the helm was asked, by `performance.now()` */
  hearLimit({ limitedUntil }: HeartbeatReply, askedAt: number): void {
    this.#limit = { untilMs: limitedUntil === undefined ? 0 : Date.parse(limitedUntil), askedAt };
  }

  /**
   * Tells whether the helm, asked after `since` (`performance.now()`), knew of no limit that lasts until `untilMs` (ms
   * since the epoch).
   */
  isLifted(untilMs: number, since: number): boolean {
    return this.#limit.askedAt > since && this.#limit.untilMs < untilMs;
  }
}
