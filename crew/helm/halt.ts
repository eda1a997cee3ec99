import type { Refusal } from "../../lib/protocol/ship-api.ts";

/**
 * Why work on a claim, or the whole watch, ends before its time. Thrown where the work is, set by whoever learns it first.
 *
 * - `stop`: an order (signal, or the helm's steer): stop the hand, give the claim back unharmed, end.
 * - `silence`: no heartbeat was acknowledged for fenceSeconds: the claim may be another's by now. Drop it, say hello again.
 * - `away`: the helm does not answer hello. Look again who we are and where the helm is: `up` may have written a new address.
 * - `stale`: the helm says the claim is not ours any more: drop it, claim another.
 * - `fenced`: this incarnation, its token or its voyage is finished: drop everything, end.
 */
export type HaltKind = "stop" | "silence" | "away" | "stale" | "fenced";

export class Halt extends Error {
  readonly kind: HaltKind;
  constructor(kind: HaltKind, message: string) {
    super(message);
    this.name = "Halt";
    this.kind = kind;
  }
}

/** A "stop" by a signal. The captain's orders come by the helm; this may be anybody, the task's own agent too. */
export class Killed extends Halt {
  constructor(signal: NodeJS.Signals) {
    super("stop", `the crew was told to end (${signal})`);
  }
}

const KINDS: Record<string, HaltKind> = {
  "stale-epoch": "stale",
  "not-holder": "stale",
  fenced: "fenced",
  sunk: "fenced",
  "wrong-incarnation": "fenced",
};

/** The helm's 409 (lib/protocol/ship-api.ts, Refusal): it has decided, asking again is of no use. */
export class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(`${refusal.error}: ${refusal.message}`);
    this.name = "Refused";
    this.refusal = refusal;
  }
}

/** A refusal as the halt it means. What refuses only the work that was handed in (`check-failed`, `unknown-commit`) stays an error: the task has failed. */
export function asHalt(error: unknown): unknown {
  const kind = error instanceof Refused ? KINDS[error.refusal.error] : undefined;
  return kind ? new Halt(kind, (error as Refused).message) : error;
}
