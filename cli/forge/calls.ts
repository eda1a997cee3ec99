import type { z } from "zod";
import { fitOrThrow } from "../../lib/base/check-input.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import {
  errorText,
  type Http,
  type HttpReply,
  type HttpRequest,
  openHttp,
  retryAfterMs,
  steady,
} from "../../lib/base/http-call.ts";
import { plain } from "../../lib/base/text.ts";
import type { ForgePlace } from "./forge.ts";
import type { Key } from "./token.ts";

const MiB = 1024 * 1024;
/** The longest that one call waits for a rate limit to pass. */
const LIMIT_MS = 60_000;
/** The most answers that are kept, to be asked for again by their ETag. */
const MOST_KEPT = 300;

export type CallsAsk = {
  place: ForgePlace;
  key: Key | null;
  headers: Record<string, string>;
  /** The permission that a call needs, in the words of this forge's settings. */
  permissionFor(request: Pick<HttpRequest, "method" | "path">, reply: HttpReply): string;
  /** What the person can do about a token that is missing or refused. */
  tokenHint: string;
  signal?: AbortSignal | undefined;
};

/**
 * Makes the function that calls a forge's API. What it returns has a status below 400, or 404, 405, 409 or 422: the
 * forge's answer to this very request, which the caller turns into an error by {@link refused}.
 *
 * Reads are repeated while the forge has trouble, and an answer that has not changed is taken from memory, as the ETag
 * says: GitHub does not count such a call.
 * @throws OcaptainError FORGE_AUTH, FORGE_PERMISSION, FORGE_LIMIT, FORGE_AWAY
 */
export function openCalls(ask: CallsAsk): Http {
  const { place, key, headers, signal } = ask;
  const repository = `${place.owner}/${place.repo}`;
  const kept = new Map<string, { etag: string; reply: HttpReply }>();
  const http = openHttp({
    baseUrl: place.api,
    headers: { "user-agent": "ocaptain", ...headers, ...(key && { authorization: key.authorization }) },
    timeoutMs: 30_000,
    mostBytes: 16 * MiB,
    // A repository that was renamed answers with a redirect. fetch hands the token to no other host.
    redirect: "follow",
    rateBudgetMs: LIMIT_MS,
    judge: (reply) => judgeLimit(reply),
    isLimit,
    signal,
    unreachable: { code: "FORGE_AWAY", hint: `curl -I ${place.web}` },
    rateLimited: { code: "FORGE_LIMIT", hint: "wait, and try again" },
  });

  return async (request) => {
    const isRead = request.method === "GET";
    const old = isRead ? kept.get(request.path) : undefined;
    const whole = old ? { ...request, headers: { ...request.headers, "if-none-match": old.etag } } : request;
    const reply = isRead ? await steady(http, whole) : await http(whole).catch(unsure);
    if (reply.status === 304 && old) return { ...old.reply, call: reply.call };
    judge(reply, request);
    const etag = reply.headers.get("etag");
    if (isRead && etag && reply.status === 200 && reply.body.length <= MiB) {
      kept.delete(request.path);
      kept.set(request.path, { etag, reply });
      for (const oldest of kept.keys()) if (kept.size > MOST_KEPT) kept.delete(oldest);
    }
    return reply;
  };

  /** A change that no answer came to may have been made, and is looked for by whoever tries again. */
  function unsure(error: unknown): never {
    if (!(error instanceof OcaptainError) || error.code !== "FORGE_AWAY") throw error;
    throw new OcaptainError(error.code, `${error.message}; whether it was done is not known`, {
      hint: "try again: what is there already is found, and not made twice",
    });
  }

  function judge(reply: HttpReply, request: HttpRequest): void {
    const { status, call } = reply;
    const words = wordsOf(reply);
    if (status === 401)
      throw new OcaptainError(
        "FORGE_AUTH",
        key
          ? `${call}: the token of ${key.from} is refused for ${repository}: ${words}`
          : `${call}: ${repository} wants a token, and there is none: ${words}`,
        { hint: ask.tokenHint },
      );
    if (status === 403)
      throw new OcaptainError(
        "FORGE_PERMISSION",
        `${call}: ${key ? `the token of ${key.from} may not do that in ${repository}` : "that needs a token"}: ${words}`,
        { hint: key ? ask.permissionFor(request, reply) : ask.tokenHint },
      );
    if (status >= 500 || status === 408)
      throw new OcaptainError("FORGE_AWAY", `${call}: the server has trouble (${status}): ${words}`, {
        hint: "wait, and try again",
      });
  }
}

/** The words of an answer that is an error, cleaned. */
export const wordsOf = (reply: HttpReply) => plain(errorText(reply));

/**
 * Makes the error for an answer that is a refusal of this request.
 *
 * @param what  What was asked for, as it follows "cannot": "open a pull request".
 */
export function refused(reply: HttpReply, what: string, place: ForgePlace, options: { hint?: string } = {}): OcaptainError {
  const { owner, repo, web } = place;
  const there = `${owner}/${repo}`;
  if (reply.status === 404)
    return new OcaptainError(
      "FORGE_NOT_FOUND",
      `cannot ${what} in ${there}: it is not there, or the token may not see it (${reply.call}: 404)`,
      { hint: `open ${web} in a browser, and give the token the right to see it`, ...options },
    );
  return new OcaptainError(
    "FORGE_REFUSED",
    `cannot ${what} in ${there}: ${wordsOf(reply)} (${reply.call}: ${reply.status})`,
    options,
  );
}

/** Reads an answer by its schema. @throws OcaptainError FORGE_ANSWER */
export function answerOf<T>({ body, call }: HttpReply, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw noAnswer(call, "it is no JSON");
  }
  return fitting(value, schema, call);
}

/** Checks what a forge has answered by its schema. @throws OcaptainError FORGE_ANSWER */
export const fitting = <T>(value: unknown, schema: z.ZodType<T>, call: string): T =>
  fitOrThrow(schema, value, (why) => noAnswer(call, why));

const noAnswer = (call: string, why: string) =>
  new OcaptainError("FORGE_ANSWER", `${call}: the answer is not what it should be: ${why}`);

/** Whether an answer is a rate limit: GitHub tells of its limits by 403 as well as by 429. */
function isLimit({ status, headers, body }: HttpReply): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers.has("retry-after") ||
    headers.get("x-ratelimit-remaining") === "0" ||
    /(secondary|API) rate limit/i.test(body.toString("utf8", 0, 4096))
  );
}

/** Refuses a rate limit that is too long to be waited for. A short one is waited out by whoever made the call. */
function judgeLimit(reply: HttpReply): void {
  if (!isLimit(reply)) return;
  const { headers } = reply;
  const after = headers.get("retry-after");
  const reset = Number(headers.get("x-ratelimit-reset"));
  const isSpent = headers.get("x-ratelimit-remaining") === "0" && reset > 0 && reset < 1e11;
  // Where nothing is said, GitHub asks for at least a minute.
  const waitMs = after ? retryAfterMs(after) : isSpent ? reset * 1000 - Date.now() : LIMIT_MS + 1;
  if (after && waitMs <= LIMIT_MS) return;
  const until = new Date(Date.now() + Math.min(Math.max(waitMs, 0), 1e12)).toISOString().slice(0, 19);
  throw new OcaptainError("FORGE_LIMIT", `${reply.call}: too many calls, until ${until}Z: ${wordsOf(reply)}`, {
    hint: "wait until then, and try again",
  });
}
