import { randomUUID } from "node:crypto";
import type { HandSettings } from "../../lib/plan/types.ts";
import type { HeartbeatReply, HelloReply } from "../../lib/protocol/ship-api.ts";
import type { Hold } from "../machine/keep-awake.ts";
import { pause } from "../machine/pause.ts";
import { asHalt, Halt } from "./halt.ts";
import type { HelmClient } from "./helm-client.ts";
import { Leash, now } from "./lease-watch.ts";

export type Claim = { task: string; epoch: number };

/**
 * Tells the helm that we live, and us whether the helm still counts on us: one heartbeat each heartbeatSeconds, never retried (the next is the
 * retry). Halts by `onHalt`: "silence" after fenceSeconds, "stale" or "fenced" by a refusal, "stop" by the helm's steer.
 */
export class Heartbeat {
  readonly leash: Leash;
  /** Said with each heartbeat. */
  claim: Claim | null = null;
  note = "";
  /**
   * The claim's end (accept, release) has been asked for. From here its own answer decides: a heartbeat that crosses it is told
   * "not-holder" although all is well.
   */
  settling = false;
  /** Called while the helm does not know whether the hand can work; with its settings. */
  onTrial: (hand: HandSettings) => void = () => {};
  /** Why the hand is to end at its next gate, and the claim to go back unharmed: the voyage's budget is spent. The helm's newest word. */
  spent: string | null = null;
  /** Until when the voyage is limited, ms since the epoch, or null; as the helm saw it at some time after `askedAt` (performance.now()). */
  limit: { untilMs: number | null; askedAt: number } = { untilMs: null, askedAt: Number.NEGATIVE_INFINITY };

  readonly #onHalt: (halt: Halt) => void;
  readonly #closed = new AbortController();
  readonly #done: Promise<unknown>;

  constructor(
    helm: HelmClient,
    hold: Hold,
    ship: { incarnation: string },
    hello: Pick<HelloReply, "heartbeatSeconds" | "fenceSeconds">,
    onHalt: (halt: Halt) => void,
  ) {
    this.leash = new Leash(hello.fenceSeconds);
    this.#onHalt = onHalt;
    const periodMs = hello.heartbeatSeconds * 1000;

    const beat = async () => {
      const sentAt = now();
      const claim = this.claim;
      try {
        const request = { requestId: randomUUID(), incarnation: ship.incarnation, claim, note: this.note.slice(0, 200) };
        const answer = await helm.once<HeartbeatReply>("heartbeat", request, {
          timeoutMs: Math.max(periodMs, 1000),
          signal: this.#closed.signal,
        });
        if (answer.kind !== "ok") return;
        this.leash.acknowledge(sentAt);
        await hold.refresh();
        if (answer.body.trial) this.onTrial(answer.body.trial);
        const { limitedUntil } = answer.body;
        this.limit = { untilMs: limitedUntil === undefined ? null : Date.parse(limitedUntil), askedAt: sentAt.steady };
        this.hear(answer.body);
      } catch (error) {
        const halt = asHalt(error);
        if (!(halt instanceof Halt)) return; // away, or closed: silence is the judge
        const crossed = halt.kind === "stale" && (this.settling || this.claim !== claim);
        if (!crossed) onHalt(halt);
      }
    };

    const beats = async () => {
      for (;;) {
        await beat();
        await pause(periodMs, this.#closed.signal);
      }
    };
    // A heartbeat under way may hang: silence is watched beside it.
    const watch = async () => {
      for (;;) {
        await pause(Math.min(1000, this.leash.fenceMs / 10), this.#closed.signal);
        try {
          this.leash.assertHeld();
        } catch (error) {
          return onHalt(error as Halt);
        }
      }
    };
    this.#done = Promise.allSettled([beats(), watch()]);
  }

  /** How the helm says to go on, in whichever answer. */
  hear({ steer, reason }: HeartbeatReply): void {
    this.spent = steer === "budget" ? (reason ?? "the voyage's budget is spent") : null;
    if (steer === "stop") this.#onHalt(new Halt("stop", reason ?? "the helm says stop"));
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#done;
  }
}
