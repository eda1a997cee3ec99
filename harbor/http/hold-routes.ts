import type { IncomingMessage, ServerResponse } from "node:http";
import { type Hold, type Holds, MOST_HOLDS } from "../sprites/holds.ts";
import { durationMs } from "./query-values.ts";
import { readJson, reply, replyJson } from "./replies.ts";

const MAX_HOLD_SECONDS = 3600;
const NAME = /^[^\p{Cc}]{1,128}$/u;

/**
 * Seconds of `300`, `"300"`, `"30s"`, `"5m"`, `"1h"`; undefined when it is none of these, not positive, or over an
 * hour.
 */
function holdSeconds(expire: unknown): number | undefined {
  const seconds = (durationMs(String(expire)) ?? 0) / 1000;
  return seconds > 0 && seconds <= MAX_HOLD_SECONDS ? seconds : undefined;
}

const view = (hold: Hold) => ({
  name: hold.name,
  started_at: new Date(hold.startedMs).toISOString(),
  expires_at: new Date(hold.expiresMs).toISOString(),
});

/** Serves `/v1/tasks` and `/v1/tasks/{name}` on a ship's own socket: the vendor's words for holds. */
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
