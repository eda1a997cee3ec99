import type { HelmClock } from "../clock.ts";

/**
 * A gap in the event loop, or between running time and wall time, that no busy moment explains: a lid was closed, or
 * the process was stopped.
 */
const JUMP_MS = 5_000;

type Lease = {
  endsMs: number;
  /** A jump has begun the lease anew, and the life has not said a word since. */
  lent: boolean;
};

/**
 * The leases of lives that hold something, counted in the helm's own running time (docs/design.md#time). They are kept
 * in memory only: after a start, and after a jump, each has a full period again, since nobody could renew it while the
 * helm was away. A jump gives that once without a word of the life; at the next one only the time that the helm was
 * away is not counted. Else a ship that makes the helm stand still again and again would keep its claim, and every
 * other silent ship's, for ever.
 */
export class Leases {
  readonly #clock: HelmClock;
  readonly #leases = new Map<number, Lease>();
  #seenMs: number;
  #seenWallMs: number;
  leaseMs: number;

  constructor(clock: HelmClock, leaseMs: number) {
    this.#clock = clock;
    this.leaseMs = leaseMs;
    this.#seenMs = clock.now();
    this.#seenWallMs = clock.wallMs();
  }

  /** Gives the life a full lease from now. */
  renew(life: number): void {
    this.#leases.set(life, { endsMs: this.#clock.now() + this.leaseMs, lent: false });
  }

  /**
   * Finds the holders whose lease is over now. A holder without a lease gets a full one. It must be called at least
   * twice in {@link JUMP_MS}.
   * @returns the lives, and whether the helm was away since the last call (`jumped`)
   */
  expired(holders: readonly number[]): { lives: number[]; jumped: boolean } {
    const now = this.#clock.now();
    const wall = this.#clock.wallMs();
    const ranMs = now - this.#seenMs;
    const jumped = ranMs > JUMP_MS || wall - this.#seenWallMs - ranMs > JUMP_MS;
    this.#seenMs = now;
    this.#seenWallMs = wall;
    const holding = new Set(holders);
    for (const life of this.#leases.keys()) if (!holding.has(life)) this.#leases.delete(life);
    for (const life of holders) {
      const lease = this.#leases.get(life);
      if (!lease) this.renew(life);
      else if (jumped && !lease.lent) this.#leases.set(life, { endsMs: now + this.leaseMs, lent: true });
      else if (jumped) lease.endsMs += ranMs;
    }
    return { lives: holders.filter((life) => this.#leases.get(life)!.endsMs <= now), jumped };
  }
}
