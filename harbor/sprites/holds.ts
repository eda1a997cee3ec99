import type { IncomingMessage, ServerResponse } from "node:http";
import { readJson, reply, replyJson } from "../http/replies.ts";
import type { Clock } from "./clock.ts";

/** A sprite's holds ("tasks" in the vendor's words): while one is live the sprite stays awake (facts: sprites §10). */
export type Hold = { name: string; startedMs: number; expiresMs: number };

const MAX_HOLD_SECONDS = 3600;
/** The vendor's bounds are not known; whoever is in the ship takes them. */
const MOST_HOLDS = 64;
const NAME = /^[^\p{Cc}]{1,128}$/u;

export class Holds {
  private readonly all = new Map<string, Hold>();
  private readonly clock: Clock;
  private readonly changed: () => void;

  /** @param changed called after each change, so that the sprite looks again whether it may sleep */
  constructor(clock: Clock, changed: () => void) {
    this.clock = clock;
    this.changed = changed;
  }

  live(): Hold[] {
    return [...this.all.values()].filter((hold) => hold.expiresMs > this.clock.now());
  }

  get(name: string): Hold | undefined {
    return this.live().find((hold) => hold.name === name);
  }

  /** When the last live hold ends; 0 without one. */
  lastExpiryMs(): number {
    return Math.max(0, ...this.live().map((hold) => hold.expiresMs));
  }

  /** undefined: there are as many as there may be. */
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

/** Seconds from `300`, `"300"`, `"30s"`, `"5m"`, `"1h"`; undefined when it is none of these, not positive, or over an hour. */
export function holdSeconds(expire: unknown): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(String(expire));
  if (!parts) return undefined;
  const seconds = Number(parts[1]) * { s: 1, m: 60, h: 3600 }[(parts[2] ?? "s") as "s" | "m" | "h"];
  return seconds > 0 && seconds <= MAX_HOLD_SECONDS ? seconds : undefined;
}

const view = (hold: Hold) => ({
  name: hold.name,
  started_at: new Date(hold.startedMs).toISOString(),
  expires_at: new Date(hold.expiresMs).toISOString(),
});

/** `/v1/tasks` on the ship's own socket. */
export async function holdCall(
  holds: Holds,
  request: IncomingMessage,
  response: ServerResponse,
  name: string | undefined,
): Promise<void> {
  if (request.method === "GET" && !name) return replyJson(response, 200, { tasks: holds.live().map(view) });
  if (request.method === "GET") {
    const hold = holds.get(name!);
    return hold ? replyJson(response, 200, view(hold)) : replyJson(response, 404, { error: "task not found" });
  }
  if (request.method === "DELETE" && name)
    return holds.delete(name) ? reply(response, 204) : replyJson(response, 404, { error: "task not found" });
  if (request.method !== "PUT" && !(request.method === "POST" && !name))
    return replyJson(response, 405, { error: "method not allowed" });
  const body = await readJson(request);
  const wanted = name ?? body?.name;
  const seconds = holdSeconds(body?.expire);
  if (typeof wanted !== "string" || !NAME.test(wanted)) return replyJson(response, 400, { error: "name is required" });
  if (seconds === undefined) return replyJson(response, 400, { error: "expire must be a duration of at most 1h" });
  if (request.method === "POST" && holds.get(wanted))
    return replyJson(response, 409, { error: `task '${wanted}' already exists` });
  const hold = holds.put(wanted, seconds);
  if (!hold) return replyJson(response, 429, { error: `a sprite has at most ${MOST_HOLDS} tasks` });
  replyJson(response, request.method === "POST" ? 201 : 200, view(hold));
}
