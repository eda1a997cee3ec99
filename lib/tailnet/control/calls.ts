import { OcaptainError } from "../../base/errors.ts";
import { errorText, type Http, type HttpReply, type HttpService, openHttp } from "../../base/http-call.ts";

/** What all calls to a tailnet's control plane share: the client, and errors. */

/**
 * Calls to a control plane. They follow no redirect, because each carries a secret.
 * @throws OcaptainError TAILNET_UNREACHABLE, TAILNET_RATE_LIMITED, TOO_LONG, and what `judge` throws
 */
export const openTailnetHttp = (service: Pick<HttpService, "baseUrl" | "headers" | "judge">): Http =>
  openHttp({
    ...service,
    timeoutMs: 15_000,
    mostBytes: 32 * 1024 * 1024, // a list of all machines of a large tailnet
    redirect: "error",
    rateBudgetMs: 60_000,
    unreachable: {
      code: "TAILNET_UNREACHABLE",
      hint: "is the tailnet's control plane up, and its URL right? pulumi up goes on where it stopped",
    },
    rateLimited: { code: "TAILNET_RATE_LIMITED", hint: "pulumi up  # in some minutes" },
  });

/** The reply, when its status is 2xx. @throws OcaptainError TAILNET_REFUSED otherwise */
export function accepted(reply: HttpReply): HttpReply {
  if (reply.status < 200 || reply.status >= 300) throw refused(reply);
  return reply;
}

/**
 * The JSON of a reply whose status is 2xx.
 * @throws OcaptainError TAILNET_REFUSED otherwise, with `hint` when it is no JSON
 */
export function jsonOf<T>(reply: HttpReply, hint?: string): T {
  accepted(reply);
  try {
    return JSON.parse(reply.body.toString("utf8")) as T;
  } catch {
    throw new OcaptainError("TAILNET_REFUSED", `${reply.call}: the answer is not JSON`, hint === undefined ? {} : { hint });
  }
}

export const refused = (reply: HttpReply) =>
  new OcaptainError("TAILNET_REFUSED", `${reply.call}: ${reply.status} ${errorText(reply)}`);
