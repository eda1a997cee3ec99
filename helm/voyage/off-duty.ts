import type { HelmClock } from "../clock.ts";

/**
 * Ships that are given nothing new because the captain is about to take them out of the fleet. Each is so for a while
 * only, and in memory alone, so that a captain's command that was killed leaves no ship without work for good.
 */
export class OffDuty {
  readonly #clock: HelmClock;
  readonly #untilMs = new Map<string, number>();

  constructor(clock: HelmClock) {
    this.#clock = clock;
  }

  /** Puts these ships off duty for so many seconds from now; 0 puts them back. */
  set(ships: readonly string[], seconds: number): void {
    for (const ship of ships) this.#untilMs.set(ship, this.#clock.now() + seconds * 1000);
    for (const [ship, until] of this.#untilMs) if (until <= this.#clock.now()) this.#untilMs.delete(ship);
  }

  has(ship: string): boolean {
    return (this.#untilMs.get(ship) ?? Number.NEGATIVE_INFINITY) > this.#clock.now();
  }
}
