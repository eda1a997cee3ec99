import { OcaptainError } from "../../lib/base/errors.ts";
import type { Http, HttpReply, HttpRequest } from "../../lib/base/http-call.ts";
import { plain } from "../../lib/base/text.ts";
import { refused } from "./calls.ts";
import type { ForgePlace } from "./forge.ts";

/** An answer that is a refusal, on its way through the client. */
class Refusal extends Error {
  readonly reply: HttpReply;
  constructor(reply: HttpReply) {
    super(`status ${reply.status}`);
    this.reply = reply;
  }
}

/**
 * Makes of our calls the function by which GitHub's client fetches. An address that is not below the API's is refused,
 * since the client follows those that a server names.
 */
export function asFetch(http: Http, base: string): typeof fetch {
  return async (url, { method = "GET", headers, body } = {}) => {
    if (!String(url).startsWith(`${base}/`))
      throw new OcaptainError("FORGE_ANSWER", `GitHub names a page that is not below ${base}`);
    const reply = await http({
      method: method as HttpRequest["method"],
      path: String(url).slice(base.length),
      headers: headers as Record<string, string>,
      body: body as string | undefined,
    });
    if (reply.status >= 400) throw new Refusal(reply);
    const isEmpty = reply.status === 204 || reply.status === 205;
    return new Response(isEmpty ? null : new Uint8Array(reply.body), { status: reply.status, headers: reply.headers });
  };
}

/** Makes an error of ours of what GitHub's client has thrown, which wraps what its fetch throws. */
export function refusalOf(error: unknown, what: string, place: ForgePlace, hint: string | undefined): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === "GraphqlResponseError") return graphqlRefusal(error, what, place);
  const cause = error.cause ?? error;
  if (cause instanceof Refusal) return refused(cause.reply, what, place, hint === undefined ? {} : { hint });
  return cause;
}

const CODES: Record<string, string> = {
  FORBIDDEN: "FORGE_PERMISSION",
  INSUFFICIENT_SCOPES: "FORGE_PERMISSION",
  NOT_FOUND: "FORGE_NOT_FOUND",
  RATE_LIMITED: "FORGE_LIMIT",
};
const HINTS: Record<string, string> = {
  FORGE_PERMISSION: "give the token the permission Pull requests: write (fine-grained), or the scope repo (classic)",
  FORGE_LIMIT: "wait, and try again",
};

/** The errors of GraphQL come with status 200. */
function graphqlRefusal(error: Error & { errors?: unknown }, what: string, { owner, repo }: ForgePlace): OcaptainError {
  const first = (Array.isArray(error.errors) ? error.errors[0] : undefined) as { type?: unknown; message?: unknown } | undefined;
  const code = CODES[String(first?.type)] ?? "FORGE_REFUSED";
  const words = plain(String(first?.message ?? "no reason is given"), { most: 300 });
  const hint = HINTS[code];
  return new OcaptainError(code, `cannot ${what} in ${owner}/${repo}: ${words}`, hint === undefined ? {} : { hint });
}
