import { OcaptainError } from "../../lib/base/errors.ts";

/** What calls and wakes cost beside their own work, in milliseconds. */
export type Latency = { createMs: number; execMs: number; wakeWarmMs: number; wakeColdMs: number; wakeFreshMs: number };

/**
 * The profiles by name. In `realistic` the first wake of a fresh sprite costs as much as one from warm: a live trial
 * had create 1.06 s + first exec 1.12 s = 2.18 s, and here it is 1.5 + 0.3 + 0.47 = 2.27 s; with a cold wake of 2 s it
 * would be 3.97 s.
 */
const profiles = {
  none: { createMs: 0, execMs: 0, wakeWarmMs: 0, wakeColdMs: 0, wakeFreshMs: 0 },
  realistic: { createMs: 1500, execMs: 470, wakeWarmMs: 300, wakeColdMs: 2000, wakeFreshMs: 300 },
} as const satisfies Record<string, Latency>;

export type LatencyProfile = keyof typeof profiles;

/** The latency of a profile's name. @throws OcaptainError USAGE for a name that is no profile */
export function latencyProfile(name: string): Latency {
  if (name in profiles) return profiles[name as LatencyProfile];
  const known = Object.keys(profiles).join(", ");
  throw new OcaptainError("USAGE", `the harbor knows no latency profile "${name}" (it knows: ${known})`, {
    hint: "npm run harbor -- --latency realistic",
  });
}
