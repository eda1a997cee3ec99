import type { HarborClock } from "./clock.ts";

/** A hold ("task" in the vendor's words): while one is live, its sprite stays awake (docs/facts/sprites.md#awake). */
export type Hold = { name: string; startedMs: number; expiresMs: number };

/** Most holds of one ship. The bound is ours: the vendor's is not known, and any process in the ship may take holds. */
export const MOST_HOLDS = 64;

/** The holds of one ship. */
export class Holds {
  private readonly all = new Map<string, Hold>();
  private readonly clock: HarborClock;
  private readonly changed: () => void;

  /** @param changed called after each change, so that the ship decides anew whether it may sleep */
  constructor(clock: HarborClock, changed: () => void) {
    this.clock = clock;
    this.changed = changed;
  }

  live(): Hold[] {
    return [...this.all.values()].filter((hold) => hold.expiresMs > this.clock.now());
  }

  get(name: string): Hold | undefined {
    return this.live().find((hold) => hold.name === name);
  }

  /** When the last live hold ends, in milliseconds since the epoch; 0 without one. */
  lastExpiryMs(): number {
    return Math.max(0, ...this.live().map((hold) => hold.expiresMs));
  }

  /** Takes a hold, or prolongs the one of this name; undefined when the ship has {@link MOST_HOLDS} already. */
  put(name: string, seconds: number): Hold | undefined {
    const nowMs = this.clock.now();
    for (const [other, { expiresMs }] of this.all) if (expiresMs <= nowMs) this.all.delete(other);
    if (!this.all.has(name) && this.all.size >= MOST_HOLDS) return undefined;
    const hold = { name, startedMs: this.get(name)?.startedMs ?? nowMs, expiresMs: nowMs + seconds * 1000 };
    this.all.set(name, hold);
    this.changed();
    return hold;
  }

  delete(name: string): boolean {
    const was = this.get(name) !== undefined;
    this.all.delete(name);
    this.changed();
    return was;
  }

  clear(): void {
    this.all.clear();
  }
}
