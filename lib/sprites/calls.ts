import { OcaptainError } from "../base/errors.ts";
import { errorText, type Http, type HttpReply, openHttp } from "../base/http-call.ts";

/** What all calls of the sprites API share: the client, and errors in the words of ships. */

/**
 * Calls to a provider of the sprites API with this token. A create may wait out a limit of ten sprites a minute.
 * @throws OcaptainError UNAUTHORIZED, with `tokenHint`, when the token is refused; RATE_LIMITED; SPRITES_UNREACHABLE;
 *   TOO_LONG
 */
export const openSpritesHttp = (baseUrl: string, token: string, tokenHint: string): Http =>
  openHttp({
    baseUrl,
    headers: { authorization: `Bearer ${token}` },
    timeoutMs: 30_000,
    mostBytes: 4 * 1024 * 1024, // a page of a list, or what services tell
    redirect: "follow",
    rateBudgetMs: 90_000,
    unreachable: { code: "SPRITES_UNREACHABLE" },
    rateLimited: { code: "RATE_LIMITED", hint: FEWER_SHIPS },
    judge(reply) {
      if (reply.status === 401 || reply.status === 403)
        throw new OcaptainError(
          "UNAUTHORIZED",
          `${new URL(baseUrl).host} refused the token (${reply.status}): ${errorText(reply)}`,
          { hint: tokenHint },
        );
      // Running out of running sprites does not pass by waiting.
      if (reply.status === 429 && reply.body.includes("concurrent_sprite_limit_exceeded"))
        throw new OcaptainError("RATE_LIMITED", `${reply.call}: ${errorText(reply)}`, { hint: FEWER_SHIPS });
    },
  });

const FEWER_SHIPS = "pulumi config set ocaptain:ships  # it asks for a number: fewer ships, or a larger plan at the provider";

export const spritePath = (name: string) => `/v1/sprites/${encodeURIComponent(name)}`;

/**
 * The reply, when its status is 2xx.
 * @throws OcaptainError SPRITES_REFUSED otherwise; `what` is the attempt, as `read dinghy`
 */
export function expect(reply: HttpReply, what: string): HttpReply {
  if (reply.status >= 200 && reply.status < 300) return reply;
  throw refused(what, reply);
}

export const refused = (what: string, reply: HttpReply) =>
  new OcaptainError("SPRITES_REFUSED", `${what}: ${reply.status} ${errorText(reply)}`);

export const spriteGone = (name: string) =>
  new OcaptainError("SPRITE_GONE", `sprite "${name}" is not there`, { hint: "pulumi up" });

/** A reply's JSON. @throws OcaptainError SPRITES_GARBLED when it is none */
export function jsonOf<T>(reply: HttpReply, what: string): T {
  try {
    return JSON.parse(reply.body.toString("utf8")) as T;
  } catch {
    throw new OcaptainError("SPRITES_GARBLED", `${what}: the answer is no JSON: ${errorText(reply)}`, {
      hint: "pulumi up  # again",
    });
  }
}
