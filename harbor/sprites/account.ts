import { z } from "zod";
import { OcaptainError } from "../../lib/base/errors.ts";

/** What an account may do. The vendor's are in docs/facts/sprites.md#limits. */
export const Limits = z.object({
  /** How many sprites may be created in {@link Limits.windowMs}. */
  creations: z.number().int().positive(),
  windowMs: z.number().positive().default(60_000),
  /** How many sprites may run at the same time. */
  running: z.number().int().positive(),
});
export type Limits = z.infer<typeof Limits>;

const MANY = 1_000_000;
const profiles = {
  none: { creations: MANY, windowMs: 60_000, running: 1000 },
  "pay-as-you-go": { creations: 10, windowMs: 60_000, running: 3 },
  "level-10": { creations: 10, windowMs: 60_000, running: 10 },
} as const satisfies Record<string, Limits>;

/** The limits of a profile's name. @throws OcaptainError USAGE for a name that is no profile */
export function accountLimits(name: string): Limits {
  if (name in profiles) return profiles[name as keyof typeof profiles];
  throw new OcaptainError("USAGE", `the harbor knows no account "${name}" (it knows: ${Object.keys(profiles).join(", ")})`, {
    hint: "npm run harbor -- --account level-10",
  });
}

/** A call would have made one sprite too many run. Waiting does not help: another must fall asleep first. */
export class TooManyRun extends Error {}

/** The harbor's account: it counts what was created lately, and what runs. */
export class Account {
  limits: Limits;
  private created: number[] = [];
  private readonly running = new Set<object>();

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Counts a creation, or says in how many milliseconds there may be one. */
  create(nowMs: number): number {
    const { creations, windowMs } = this.limits;
    this.created = this.created.filter((atMs) => atMs + windowMs > nowMs);
    const oldest = this.created[this.created.length - creations];
    if (oldest !== undefined) return oldest + windowMs - nowMs;
    this.created.push(nowMs);
    return 0;
  }

  /** Counts a ship that wakes. @throws TooManyRun */
  wakes(ship: object): void {
    if (!this.running.has(ship) && this.running.size >= this.limits.running)
      throw new TooManyRun(`${this.running.size} sprites are running`);
    this.running.add(ship);
  }

  sleeps(ship: object): void {
    this.running.delete(ship);
  }
}
