/**
 * Why work on a claim, or the whole watch, ends before its time. Thrown where the work is, set by whoever learns it first.
 *
 * - `stop`: an order (signal, or the helm's steer): stop the hand, give the claim back unharmed, end.
 * - `silence`: no heartbeat was acknowledged for fenceSeconds: the claim may be another's by now. Drop it, say hello again.
 * - `stale`: the helm says the claim is not ours any more: drop it, claim another.
 * - `fenced`: this incarnation, its token or its voyage is finished: drop everything, end.
 */
export type HaltKind = "stop" | "silence" | "stale" | "fenced";

export class Halt extends Error {
  readonly kind: HaltKind;
  constructor(kind: HaltKind, message: string) {
    super(message);
    this.name = "Halt";
    this.kind = kind;
  }
}

/** A word of `kind` for the helm's refusal (lib/ship-api.ts, Refusal). */
export function haltFor(refusal: { error: string; message: string }): Halt {
  const own = refusal.error === "stale-epoch" || refusal.error === "not-holder";
  return new Halt(own ? "stale" : "fenced", `${refusal.error}: ${refusal.message}`);
}
