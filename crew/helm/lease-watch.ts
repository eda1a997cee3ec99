import { Halt } from "./halt.ts";

/**
 * Watches how long ago the helm last acknowledged this ship, counted from when the acknowledged heartbeat was **sent**:
 * the helm's lease began no earlier.
 *
 * It asks two clocks and believes the one by which more time has passed: a VM that was suspended may see only its wall
 * clock jump, and a wrong wall clock may be set back. Believing that too much time has passed costs one task's work;
 * believing too little would have the ship fenced.
 */
export class LeaseWatch {
  readonly fenceMs: number;
  #acknowledged = now();

  constructor(fenceSeconds: number) {
    this.fenceMs = fenceSeconds * 1000;
  }

  /** The helm has answered a heartbeat that was sent at `sentAt`. */
  acknowledge(sentAt: Instant): void {
    this.#acknowledged = sentAt;
  }

  silentMs(): number {
    const at = now();
    return Math.max(at.steady - this.#acknowledged.steady, at.wall - this.#acknowledged.wall);
  }

  /**
   * Throws Halt "silence" once the helm may have fenced this ship. The helm refuses a stale epoch by itself; the halt
   * saves the work that would then be refused.
   */
  assertHeld(): void {
    if (this.silentMs() < this.fenceMs) return;
    throw new Halt("silence", `the helm has not answered for ${Math.round(this.silentMs() / 1000)} s`);
  }
}

/** One moment by both clocks, in milliseconds. */
type Instant = { steady: number; wall: number };
export const now = (): Instant => ({ steady: performance.now(), wall: Date.now() });
