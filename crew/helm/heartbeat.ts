import type { SessionSettings } from "../../lib/plan/types.ts";
import type { HelloReply } from "../../lib/protocol/ship-api.ts";
import type { Hold } from "../machine/keep-awake.ts";
import { pause } from "../machine/pause.ts";
import type { ClaimState } from "./claim-state.ts";
import { asHalt, Halt } from "./halt.ts";
import { LeaseWatch, now } from "./lease-watch.ts";
import type { ShipApiClient } from "./ship-api-client.ts";
import type { Steering } from "./steering.ts";

/** What the heartbeat reads, and whom it tells. */
type HeartbeatParts = {
  helm: ShipApiClient;
  hold: Hold;
  hello: Pick<HelloReply, "heartbeatSeconds" | "fenceSeconds">;
  /** What each heartbeat says. */
  claim: ClaimState;
  /** Hears what the helm answers. */
  steering: Steering;
  /** Is called with a Halt: "silence" after fenceSeconds without an answer, "stale" or "fenced" by a refusal. */
  onHalt: (halt: Halt) => void;
  /** Is called with the hand's settings while the helm does not know whether the hand can work. */
  onTrial: (hand: SessionSettings) => void;
};

/** A line of the wire has at most so many characters. */
const NOTE_CHARACTERS = 200;

/**
 * Tells the helm that this ship lives, and the ship whether the helm still counts on it: one heartbeat each
 * heartbeatSeconds. None is repeated: the next one stands in for it.
 */
export class Heartbeat {
  readonly #parts: HeartbeatParts;
  readonly #lease: LeaseWatch;
  readonly #closed = new AbortController();
  readonly #done: Promise<unknown>;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
    this.#lease = new LeaseWatch(parts.hello.fenceSeconds);
    this.#done = Promise.allSettled([this.#beats(), this.#watch()]);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#done;
  }

  async #beats(): Promise<never> {
    const periodMs = this.#parts.hello.heartbeatSeconds * 1000;
    for (;;) {
      await this.#beat(Math.max(periodMs, 1000));
      await pause(periodMs, this.#closed.signal);
    }
  }

  async #beat(timeoutMs: number): Promise<void> {
    const { helm, hold, claim, steering, onHalt, onTrial } = this.#parts;
    const sentAt = now();
    const { held, note, quietSeconds } = claim;
    try {
      const body = { claim: held, note: note.slice(0, NOTE_CHARACTERS), ...(quietSeconds !== undefined && { quietSeconds }) };
      const answer = await helm.once("heartbeat", body, { timeoutMs, signal: this.#closed.signal });
      if (answer.kind !== "ok") return;
      this.#lease.acknowledge(sentAt);
      await hold.refresh();
      if (answer.reply.trial) onTrial(answer.reply.trial);
      steering.hearLimit(answer.reply, sentAt.steady);
      steering.hear(answer.reply);
    } catch (error) {
      const halt = asHalt(error);
      // Any other failure is silence, which is watched beside the heartbeats.
      if (halt instanceof Halt && (halt.kind !== "stale" || claim.isNews(held))) onHalt(halt);
    }
  }

  /** Watches for silence beside the heartbeats, of which one that is under way may hang. */
  async #watch(): Promise<void> {
    for (;;) {
      await pause(Math.min(1000, this.#lease.fenceMs / 10), this.#closed.signal);
      try {
        this.#lease.assertHeld();
      } catch (error) {
        return this.#parts.onHalt(error as Halt);
      }
    }
  }
}
