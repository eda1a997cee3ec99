import type { Clock } from "./clock.ts";

/** A gap in the event loop, or between running time and wall time, that no busy moment explains: a lid was closed, or the process stopped. */
const JUMP_MS = 5_000;

/**
 * Leases of lives that hold something, counted in the helm's own running time. Kept in memory only: after a start, and after a jump, each has a
 * full period again, since nobody could renew while the helm was away (design 8).
 */
export class Leases {
  readonly #clock: Clock;
  readonly #ends = new Map<number, number>();
  #seenMs: number;
  #seenWallMs: number;
  leaseMs: number;

  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock;
    this.leaseMs = leaseMs;
    this.#seenMs = clock.now();
    this.#seenWallMs = clock.wallMs();
  }

  renew(life: number): void {
    this.#ends.set(life, this.#clock.now() + this.leaseMs);
  }
  end(life: number): void {
    this.#ends.delete(life);
  }

  /**
   * Lives of `holders` whose lease is over now. Must be called at least each {@link JUMP_MS} / 2. A holder without a lease gets a full one.
   * @returns `jumped` when all leases were begun anew instead.
   */
  expired(holders: readonly number[]): { lives: number[]; jumped: boolean } {
    const now = this.#clock.now();
    const wall = this.#clock.wallMs();
    const jumped = now - this.#seenMs > JUMP_MS || wall - this.#seenWallMs - (now - this.#seenMs) > JUMP_MS;
    this.#seenMs = now;
    this.#seenWallMs = wall;
    const holding = new Set(holders);
    for (const life of this.#ends.keys()) if (!holding.has(life)) this.#ends.delete(life);
    for (const life of holders) if (jumped || !this.#ends.has(life)) this.renew(life);
    return { lives: holders.filter((life) => this.#ends.get(life)! <= now), jumped };
  }
}
