import { createHash } from "node:crypto";
import { z } from "zod";

const CONTROL = ["create", "get", "list", "update", "delete"] as const;
const RUNTIME = ["exec", "sessions", "fs", "policy", "service"] as const;
const SOCKETS = ["socket", "proxy"] as const;
const EVERY = [...CONTROL, ...RUNTIME, ...SOCKETS] as const;
const HTTP = [...CONTROL, ...RUNTIME] as const;

/** A call as faults name it. `socket` is the exec WebSocket, `exec` the HTTP exec, `proxy` the proxy's WebSocket. */
type On = (typeof EVERY)[number];

/**
 * The kinds of faults, each seen at the vendor, with the calls that can have it. {@link Weather} draws one at the calls
 * in `weather`, where it passes by itself. docs/harbor.md#faults says what happens, and what the product makes of it.
 */
export const FAULTS = {
  "rate-limit": { on: HTTP, weather: ["create"] },
  "concurrent-limit": { on: ["create", ...RUNTIME], weather: [] },
  "fails-but-happens": {
    on: ["create", "update", "delete", "fs", "policy", "service"],
    weather: ["create", "update", "delete", "fs", "policy", "service"],
  },
  "false-404": { on: ["get", "update", "delete", ...RUNTIME], weather: ["get"] },
  "legacy-500": { on: ["get", "delete"], weather: ["get", "delete"] },
  "taken-is-400": { on: ["create"], weather: ["create"] },
  "forgets-labels": { on: ["create"], weather: ["create"] },
  unavailable: { on: EVERY, weather: EVERY },
  "bad-gateway": { on: HTTP, weather: HTTP },
  slow: { on: EVERY, weather: EVERY },
  hang: { on: EVERY, weather: [] },
  "hangs-asleep": { on: ["fs"], weather: [] },
  drop: { on: ["exec", ...SOCKETS], weather: ["exec", ...SOCKETS] },
  "error-line": { on: ["service"], weather: [] },
  endless: { on: ["service"], weather: [] },
  "says-200": { on: ["policy"], weather: ["policy"] },
  "not-kept": { on: ["policy"], weather: [] },
} as const satisfies Record<string, { on: readonly On[]; weather: readonly On[] }>;

type Kind = keyof typeof FAULTS;
const KINDS = Object.keys(FAULTS) as [Kind, ...Kind[]];
const has = (list: readonly string[], on: On) => list.includes(on);

/**
 * A rule by which calls fail, which a test makes by `POST /__harbor/faults` with a list of these. It is used up after
 * `times` matching calls.
 */
export const Fault = z
  .object({
    on: z.enum(EVERY),
    kind: z.enum(KINDS),
    /** Only calls for the sprite with this name fail. A create is for no name. */
    name: z.string().optional(),
    times: z.number().int().positive().default(1),
    /** How many matching calls go well before the first that fails. */
    after: z.number().int().nonnegative().default(0),
    /** `rate-limit`: the seconds to wait that the answer names. */
    retryAfterSeconds: z.number().positive().default(1),
    /** `slow`: how long the call takes beside its own work, in milliseconds. */
    ms: z.number().positive().default(15_000),
  })
  .refine(({ on, kind }) => has(FAULTS[kind].on, on), { error: "is of a kind that this call cannot have" });
export type Fault = z.infer<typeof Fault>;

/**
 * Faults by chance, the same for the same seed: whether the n-th call of a kind for a sprite fails, and how, hangs on
 * nothing else, so other calls at the same time change nothing. Made by `POST /__harbor/weather`; a `rate` of 0 ends
 * it.
 */
export const Weather = z.object({
  seed: z.number().int(),
  /** The share of calls that fail. */
  rate: z.number().min(0).max(1),
  /** Only these kinds, at all calls that can have them. Without it, all that pass by themselves. */
  kinds: z.array(z.enum(KINDS)).optional(),
});
export type Weather = z.infer<typeof Weather>;

/** A fault that a call has met. */
type Met = { on: On; kind: Kind; name?: string };
const MOST_MET = 1000;
const LONGEST_SLOW_MS = 2000;

/** The faults that calls are yet to meet, by rule and by weather, and the last ones that calls have met. */
export class Faults {
  met: Met[] = [];
  private rules: Fault[] = [];
  private weather: Weather | undefined;
  private counts = new Map<string, number>();

  add(rules: Fault[]): void {
    this.rules.push(...rules.map((rule) => ({ ...rule })));
  }

  /** Lets all later calls have this weather, counted from now on. */
  setWeather(weather: Weather): void {
    this.weather = weather;
    this.counts.clear();
  }

  /** Forgets rules, weather and what was met. */
  clear(): void {
    this.rules = [];
    this.weather = undefined;
    this.met = [];
  }

  /**
   * The fault of this call, used up by asking.
   * @param fits  false for a kind that has nothing to act on in this call
   */
  take(on: On, name: string | undefined, fits: (kind: Kind) => boolean = () => true): Fault | undefined {
    const fault = this.byRule(on, name, fits) ?? this.byWeather(on, name, fits);
    if (fault) this.met = [...this.met, { on, kind: fault.kind, ...(name !== undefined && { name }) }].slice(-MOST_MET);
    return fault;
  }

  private byRule(on: On, name: string | undefined, fits: (kind: Kind) => boolean): Fault | undefined {
    for (const rule of this.rules) {
      if (rule.on !== on || (rule.name !== undefined && rule.name !== name) || !fits(rule.kind)) continue;
      if (rule.after > 0) {
        rule.after--;
        continue;
      }
      if (--rule.times === 0) this.rules = this.rules.filter((other) => other !== rule);
      return rule;
    }
    return undefined;
  }

  private byWeather(on: On, name: string | undefined, fits: (kind: Kind) => boolean): Fault | undefined {
    if (!this.weather) return undefined;
    const { seed, rate, kinds } = this.weather;
    const call = `${on} ${name ?? ""}`;
    const count = this.counts.get(call) ?? 0;
    this.counts.set(call, count + 1);
    const draw = createHash("sha256").update(`${seed} ${call} ${count}`).digest();
    if (draw.readUInt32BE(0) / 2 ** 32 >= rate) return undefined;
    const possible = KINDS.filter((kind) =>
      kinds ? kinds.includes(kind) && has(FAULTS[kind].on, on) : has(FAULTS[kind].weather, on),
    );
    const fitting = possible.filter(fits);
    const kind = fitting[draw.readUInt32BE(4) % fitting.length];
    return kind && { on, kind, times: 1, after: 0, retryAfterSeconds: 1, ms: 1 + (draw.readUInt32BE(8) % LONGEST_SLOW_MS) };
  }
}
