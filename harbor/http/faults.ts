import { z } from "zod";

/**
 * A fault that was seen at the vendor and that a test scripts, by `POST /__harbor/faults` with a list of these. It is
 * used up after `times` matching calls.
 */
export const Fault = z.object({
  /** The call that fails. `socket` is the exec WebSocket, `exec` the HTTP exec, `proxy` the proxy's WebSocket. */
  on: z.enum(["create", "get", "list", "update", "delete", "exec", "socket", "sessions", "fs", "policy", "service", "proxy"]),
  /** Only calls for the sprite with this name fail. */
  name: z.string().optional(),
  times: z.number().int().positive().default(1),
  kind: z.enum([
    /** 429 sprite_creation_rate_limited with Retry-After */
    "rate-limit",
    /** 429 concurrent_sprite_limit_exceeded: waiting does not help */
    "concurrent-limit",
    /** The call does its work, then answers 502 with an HTML page */
    "fails-but-happens",
    /** 404 for a sprite that exists */
    "false-404",
    /** A missing sprite is answered by 500, as recorded in January 2026 */
    "legacy-500",
    /** 503 `service temporarily unavailable, please retry`, nothing done */
    "unavailable",
    /** No answer until the caller gives up */
    "hang",
    /** socket: the connection ends without an exit frame once the command runs */
    "drop",
    /** policy: 200, as the vendor's pages have it, where its clients want 204 */
    "says-200",
    /** policy: answered as done, and not kept */
    "not-kept",
  ]),
  retryAfterSeconds: z.number().positive().default(1),
});
export type Fault = z.infer<typeof Fault>;

/** The faults that are scripted and not used up. */
export class Faults {
  private list: Fault[] = [];

  add(faults: Fault[]): void {
    this.list.push(...faults);
  }

  clear(): void {
    this.list = [];
  }

  /** The next fault for this call, used up by asking. */
  take(on: Fault["on"], name: string | undefined): Fault | undefined {
    const found = this.list.find((fault) => fault.on === on && (fault.name === undefined || fault.name === name));
    if (found && --found.times === 0) this.list = this.list.filter((fault) => fault !== found);
    return found;
  }
}
