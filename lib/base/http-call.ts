import { OcaptainError } from "./errors.ts";
import { keepInside } from "./no-proxy.ts";
import { readAtMost } from "./read-at-most.ts";

/** A reply that a caller may look at: any status, body read as bytes. */
export type Reply = { status: number; headers: Headers; body: Buffer };

export type Request = {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path and query below the base URL. Errors name the path only: queries can carry arguments. */
  path: string;
  body?: string | Buffer | undefined;
  json?: unknown;
  /** Bound of one attempt, milliseconds. */
  timeoutMs: number;
  /** Of the answer. @default 4 MiB: a page of a list, what services tell */
  mostBytes?: number | undefined;
};

const MOST_BYTES = 4 * 1024 * 1024;

/** Statuses of passing weather (facts: sprites §9). 429 has a path of its own. */
const WEATHER = new Set([408, 500, 502, 503, 504]);
export const isWeather = (status: number) => WEATHER.has(status);

/** Longest that one call waits in all for a rate limit to pass (facts: sprites §9, creation 10 a minute). */
const RATE_BUDGET_MS = 90_000;

export type Http = (request: Request) => Promise<Reply>;

/**
 * One authenticated call. A rate limit is waited out (`Retry-After`, at most 90 s in all); everything else is the caller's to judge.
 * @throws OcaptainError UNAUTHORIZED on 401/403, RATE_LIMITED past the budget, SPRITES_UNREACHABLE when no whole reply came in time, TOO_LONG.
 */
export function openHttp(baseUrl: string, token: string, tokenHint: string): Http {
  keepInside(baseUrl);
  return async (request) => {
    const give = Date.now() + RATE_BUDGET_MS;
    for (;;) {
      const reply = await once(baseUrl, token, request);
      if (reply.status === 401 || reply.status === 403)
        throw new OcaptainError("UNAUTHORIZED", `${host(baseUrl)} refused the token (${reply.status}): ${errorText(reply)}`, {
          hint: tokenHint,
        });
      if (reply.status !== 429) return reply;
      const waitMs = Math.max(0.05, Number(reply.headers.get("retry-after")) || 1) * 1000;
      if (concurrencyLimit(reply) || Date.now() + waitMs > give)
        throw new OcaptainError("RATE_LIMITED", `${describe(request)}: ${errorText(reply)}`, {
          hint: "pulumi config set ocaptain:ships  # it asks for a number: fewer ships, or a larger plan at the provider",
        });
      await new Promise((done) => setTimeout(done, waitMs));
    }
  };
}

async function once(baseUrl: string, token: string, request: Request): Promise<Reply> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}` };
  if (request.json !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await fetch(baseUrl + request.path, {
      method: request.method,
      headers,
      body: request.json === undefined ? (request.body ?? null) : JSON.stringify(request.json),
      signal: AbortSignal.timeout(request.timeoutMs),
    });
    const body = await readAtMost(response.body, request.mostBytes ?? MOST_BYTES, describe(request));
    return { status: response.status, headers: response.headers, body };
  } catch (cause) {
    if (cause instanceof OcaptainError) throw cause;
    const why =
      cause instanceof Error && cause.name === "TimeoutError"
        ? `no answer in ${request.timeoutMs / 1000} s`
        : networkReason(cause);
    throw new OcaptainError("SPRITES_UNREACHABLE", `${describe(request)} at ${host(baseUrl)}: ${why}`, { cause });
  }
}

const networkReason = (error: unknown) => {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? ("code" in inner ? String(inner.code) : inner.message) : String(inner);
};

export const describe = (request: Request) => `${request.method} ${request.path.split("?")[0]}`;
const host = (baseUrl: string) => new URL(baseUrl).host;

/** Running out of running sprites does not pass by waiting (facts: sprites §9). */
const concurrencyLimit = (reply: Reply) => reply.body.includes("concurrent_sprite_limit_exceeded");

/** What it says in JSON. @throws OcaptainError SPRITES_GARBLED */
export function jsonOf<T>(reply: Reply, what: string): T {
  try {
    return JSON.parse(reply.body.toString("utf8")) as T;
  } catch {
    throw new OcaptainError("SPRITES_GARBLED", `${what}: the answer is no JSON: ${errorText(reply)}`, {
      hint: "pulumi up  # again",
    });
  }
}

/** The vendor's error shapes: `{error}`, `{errors:[…]}`, `{error, message}`, text, HTML; 300 characters at most. */
export function errorText(reply: Reply): string {
  const text = reply.body.toString("utf8").trim();
  try {
    const json = JSON.parse(text) as { error?: string; errors?: string[]; message?: string };
    const said = [json.error, json.message, ...(json.errors ?? [])].filter(Boolean).join(": ");
    if (said) return said.slice(0, 300);
  } catch {
    // not JSON: said as it is
  }
  return (text.startsWith("<") ? `an HTML page, status ${reply.status}` : text || `status ${reply.status}`).slice(0, 300);
}
