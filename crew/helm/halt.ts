import type { Refusal } from "../../lib/protocol/ship-api.ts";

/**
 * Why the work on a claim, or the whole claim loop, ends before its time:
 *
 * - `stop`: an order, by a signal or by the helm: stop the hand, give the claim back unharmed, end.
 * - `silence`: no heartbeat was acknowledged for fenceSeconds, so the claim may be another ship's by now: drop it and
 *   say hello again.
 * - `away`: the helm does not answer hello: read the ship's files again, as `up` may have written a new address, and
 *   say hello again.
 * - `stale`: the helm says that the claim is not this ship's any more: drop it and claim another.
 * - `fenced`: this incarnation, its token or its voyage is finished: drop everything and end.
 */
export type HaltKind = "stop" | "silence" | "away" | "stale" | "fenced";

/** Ends work before its time. It is thrown where the work is, and set by whoever learns of it first. */
export class Halt extends Error {
  readonly kind: HaltKind;
  constructor(kind: HaltKind, message: string) {
    super(message);
    this.name = "Halt";
    this.kind = kind;
  }
}

/**
 * A "stop" by a signal. The captain's orders come from the helm; a signal may come from anybody, the task's own agent
 * too.
 */
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

/** The helm's answer 409: it has decided, and asking again is of no use. */
export class HelmRefusal extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(`${refusal.error}: ${refusal.message}`);
    this.name = "HelmRefusal";
    this.refusal = refusal;
  }
}

/**
 * Turns a refusal into the halt that it means. One that refuses only the work which was handed in (`check-failed`,
 * `unknown-commit`) stays an error: the task has failed.
 */
export function asHalt(error: unknown): unknown {
  const kind = error instanceof HelmRefusal ? KINDS[error.refusal.error] : undefined;
  return kind ? new Halt(kind, (error as HelmRefusal).message) : error;
}

/** The helm could not be reached for as long as one waits for it. The work that was to be carried has not failed. */
export class HelmAway extends Error {
  override readonly name = "HelmAway";
}
