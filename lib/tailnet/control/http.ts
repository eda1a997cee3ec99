import { OcaptainError } from "../../base/errors.ts";
import { keepInside } from "../../base/no-proxy.ts";
import { readAtMost } from "../../base/read-at-most.ts";

/** A reply of any status that the caller judges. */
export type Reply = { status: number; headers: Headers; text: string };

export type Call = {
  method: "GET" | "POST" | "DELETE";
  /** Path and query below the base URL; without a secret, for errors name it. */
  path: string;
  headers?: Record<string, string>;
  json?: unknown;
  form?: Record<string, string>;
  /** A body as it is; its type is among the headers. */
  text?: string;
  /** Not to be repeated by itself, for it may have worked: a mint. */
  once?: boolean;
  /** Of one attempt. */
  timeoutMs?: number;
};

const CALL_MS = 15_000;
/** A list of all devices of a large tailnet. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Waits between repeats after passing weather. */
const AGAIN_MS = [200, 500, 1000];
/** 501 is not among them: it says that a machine is another tailnet's. */
const WEATHER = new Set([408, 500, 502, 503, 504]);
/** Longest that one call waits in all for a rate limit to pass. */
const RATE_BUDGET_MS = 60_000;

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

/**
 * One call: bounded; a rate limit is waited out (`Retry-After`); weather is passed through unless the call is to be made `once`.
 * @throws OcaptainError TAILNET_UNREACHABLE when no reply came, TAILNET_RATE_LIMITED past the budget, TOO_LONG.
 */
export async function call(baseUrl: string, request: Call): Promise<Reply> {
  keepInside(baseUrl);
  const give = Date.now() + RATE_BUDGET_MS;
  for (let attempt = 0; ; ) {
    const reply = await attemptOnce(baseUrl, request).catch((error: unknown) => {
      if (request.once || AGAIN_MS[attempt] === undefined) throw error;
      return null;
    });
    if (reply?.status === 429) {
      const waitMs = retryAfterMs(reply.headers.get("retry-after"));
      if (Date.now() + waitMs > give)
        throw new OcaptainError("TAILNET_RATE_LIMITED", `${describe(baseUrl, request)}: too many calls (429)`, {
          hint: "pulumi up  # in some minutes",
        });
      await sleep(waitMs);
      continue;
    }
    const waitMs = AGAIN_MS[attempt++];
    if (reply && (request.once || waitMs === undefined || !WEATHER.has(reply.status))) return reply;
    await sleep(waitMs ?? 0);
  }
}

async function attemptOnce(baseUrl: string, request: Call): Promise<Reply> {
  const { method, path, json, form, text, timeoutMs = CALL_MS } = request;
  const body = json === undefined ? (text ?? (form && new URLSearchParams(form))) : JSON.stringify(json);
  const headers = { ...(json === undefined ? {} : { "content-type": "application/json" }), ...request.headers };
  try {
    const response = await fetch(baseUrl + path, {
      method,
      headers,
      body: body ?? null,
      redirect: "error", // a secret follows no redirect
      signal: AbortSignal.timeout(timeoutMs),
    });
    const said = await readAtMost(response.body, MOST_BYTES, describe(baseUrl, request));
    return { status: response.status, headers: response.headers, text: said.toString("utf8") };
  } catch (error) {
    if (error instanceof OcaptainError) throw error;
    // Without the error as its cause: what undici tells there can hold headers.
    throw new OcaptainError("TAILNET_UNREACHABLE", `${describe(baseUrl, request)}: ${networkReason(error, timeoutMs)}`, {
      hint: "is the tailnet's control plane up, and its URL right? pulumi up goes on where it stopped",
    });
  }
}

/** `GET /api/v2/tailnet/-/keys at api.tailscale.com`. */
export const describe = (baseUrl: string, { method, path }: Pick<Call, "method" | "path">) =>
  `${method} ${path.split("?")[0]} at ${new URL(baseUrl).host}`;

/** Seconds or a date; a second when it is missing. */
function retryAfterMs(value: string | null): number {
  if (!value) return 1000;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(50, ms) : 1000;
}

function networkReason(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === "TimeoutError") return `no answer in ${timeoutMs / 1000} s`;
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? ("code" in inner ? String(inner.code) : inner.message) : String(inner);
}

/** What an answer says is wrong: `{message}` of both services, OAuth's `{error_description}`, text; 300 characters at most. */
export function errorText({ text, status }: Reply): string {
  try {
    const said = JSON.parse(text) as { message?: string; error?: string; error_description?: string };
    const words = [said.message, said.error, said.error_description].filter(Boolean).join(": ");
    if (words) return words.slice(0, 300);
  } catch {
    // not JSON
  }
  return (text.trimStart().startsWith("<") ? "an HTML page" : text.trim() || `status ${status}`).slice(0, 300);
}
