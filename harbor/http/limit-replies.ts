import type { ServerResponse } from "node:http";
import type { Limits } from "../sprites/account.ts";
import { replyJson } from "./replies.ts";

/** The two answers 429, as docs/facts/sprites.md#limits describes them. */

const upgrade = { upgrade_available: true, upgrade_url: "https://sprites.dev/billing" };
const headers = (limit: number) => ({ "x-ratelimit-limit": String(limit), "x-ratelimit-remaining": "0" });

/** Answers that too many sprites were created lately, and in how many seconds there may be another. */
export function tooManyCreated(response: ServerResponse, { creations, windowMs }: Limits, seconds: number): void {
  const body = {
    error: "sprite_creation_rate_limited",
    message: "too many sprites created",
    limit: creations,
    window_seconds: windowMs / 1000,
    retry_after_seconds: seconds,
    ...upgrade,
  };
  replyJson(response, 429, body, { ...headers(creations), "retry-after": String(seconds) });
}

/** The body that says that too many sprites run. */
export const tooManyRunBody = ({ running }: Limits) => ({
  error: "concurrent_sprite_limit_exceeded",
  message: `${running} sprites are running, which is this plan's limit`,
  limit: running,
  current_count: running,
  ...upgrade,
});

/** Answers that too many sprites run, for which waiting does not help. */
export const tooManyRun = (response: ServerResponse, limits: Limits): void =>
  replyJson(response, 429, tooManyRunBody(limits), headers(limits.running));
