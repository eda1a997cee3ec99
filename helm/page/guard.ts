import type { IncomingMessage, ServerResponse } from "node:http";
import { ACTION_HEADER } from "../../lib/watch/page-api.ts";
import { HttpError } from "../http-error.ts";
import { type Admission, actionToken, isSame } from "./admission.ts";

/**
 * What keeps strangers out: other machines, other pages in the captain's browser, and text that wants to be a script.
 */

/**
 * The name of the policy by which the page makes addresses of its own workers: it lets nothing else become a script.
 */
const POLICY = "ocaptain";

/** The headers of every answer. There is no Strict-Transport-Security, which would shut the captain out of loopback. */
const HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    `trusted-types ${POLICY}`,
  ].join("; "),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "cache-control": "no-store",
};

export function protect(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

/**
 * Refuses a request that names another host than those at which the page is served: a name of a stranger's may lead to
 * this machine.
 * @throws HttpError 421
 */
export function checkHost(request: IncomingMessage, hosts: ReadonlySet<string>): void {
  if (hosts.has((request.headers.host ?? "").toLowerCase())) return;
  throw new HttpError(
    421,
    "WRONG_HOST",
    `the page is served at ${[...hosts].join(", ")}, and nowhere else; a forwarded port must have the same number on both sides`,
  );
}

/**
 * Finds the cookie of the session that a request belongs to.
 * @throws HttpError 401
 */
export function sessionOf(request: IncomingMessage, cookieName: string, admission: Admission): string {
  const cookies = (request.headers.cookie ?? "").split(";").map((each) => each.trim().split("="));
  const found = cookies.find(([name, value]) => name === cookieName && value && admission.knows(value));
  if (found) return found[1]!;
  throw new HttpError(401, "NO_SESSION", "this browser was not let in: in a terminal, type ocaptain dashboard --open");
}

/**
 * Refuses an order that another page has sent from the captain's browser, or none: it must come from this page, as
 * JSON, with the session's token. The host was checked before.
 * @throws HttpError 403, 415
 */
export function checkOrder(request: IncomingMessage, session: string): void {
  const { headers } = request;
  const refuse = (why: string) => new HttpError(403, "NOT_THIS_PAGE", `the order did not come from this page: ${why}`);
  if (headers.origin !== `http://${headers.host}`) throw refuse("its origin is another");
  if (headers["sec-fetch-site"] !== "same-origin") throw refuse("the browser says that another site has sent it");
  if (!isSame(String(headers[ACTION_HEADER] ?? ""), actionToken(session))) throw refuse("it lacks the session's token");
  if (!/^application\/json(; *charset=utf-8)?$/i.test(headers["content-type"] ?? ""))
    throw new HttpError(415, "NOT_JSON", "an order is JSON");
}
