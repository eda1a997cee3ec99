import { Halt } from "./halt.ts";

/**
 * How long ago the helm last acknowledged us, counted from when the acknowledged heartbeat was **sent**: the helm's lease began no earlier.
 *
 * Two clocks, and the longer of them: a VM that was suspended may see only its wall clock jump, a wrong wall clock may be set back.
 * Believing too much time has passed costs one task's work; too little would cost a fence.
 */
export class Leash {
  readonly fenceMs: number;
  #acknowledged = now();

  constructor(fenceSeconds: number) {
    this.fenceMs = fenceSeconds * 1000;
  }

  acknowledge(sentAt: Instant): void {
    this.#acknowledged = sentAt;
  }

  silentMs(): number {
    const at = now();
    return Math.max(at.steady - this.#acknowledged.steady, at.wall - this.#acknowledged.wall);
  }

  /** Halt "silence" when the fence may have come down. Safety does not hang on it (the helm refuses a stale epoch): it saves the work that would be refused. */
  assertHeld(): void {
    if (this.silentMs() < this.fenceMs) return;
    throw new Halt("silence", `the helm has not answered for ${Math.round(this.silentMs() / 1000)} s`);
  }
}

type Instant = { steady: number; wall: number };
export const now = (): Instant => ({ steady: performance.now(), wall: Date.now() });
