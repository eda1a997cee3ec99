import { OcaptainError } from "../../lib/base/errors.ts";

/** What a call costs besides its own work, in milliseconds. */
export type Latency = { createMs: number; execMs: number; wakeWarmMs: number; wakeColdMs: number; wakeFreshMs: number };

/**
 * `realistic` is issue 3's list. The first wake of a fresh sprite is priced as a warm one: the live trial (facts: sprites §3.1, §4.4) had
 * create 1.06 s + first exec 1.12 s = 2.18 s, and 1.5 + 0.3 + 0.47 = 2.27 s here; with a cold wake of 2 s it would be 3.97 s.
 */
const profiles = {
  none: { createMs: 0, execMs: 0, wakeWarmMs: 0, wakeColdMs: 0, wakeFreshMs: 0 },
  realistic: { createMs: 1500, execMs: 470, wakeWarmMs: 300, wakeColdMs: 2000, wakeFreshMs: 300 },
} as const satisfies Record<string, Latency>;

export type LatencyProfile = keyof typeof profiles;

/** @throws OcaptainError USAGE for a name that is no profile */
export function latencyProfile(name: string): Latency {
  if (name in profiles) return profiles[name as LatencyProfile];
  throw new OcaptainError("USAGE", `"${name}" is not a latency profile`, { hint: `one of: ${Object.keys(profiles).join(", ")}` });
}
