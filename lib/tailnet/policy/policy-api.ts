import { OcaptainError } from "../../base/errors.ts";
import { errorText, type HttpReply, type HttpRequest, steady } from "../../base/http-call.ts";
import { accepted, jsonOf, openTailnetHttp } from "../control/calls.ts";
import type { TailnetSettings } from "../control/settings.ts";
import { openToken } from "../control/tailscale-token.ts";

/** A policy as the service has it. `etag` names this version of it; "" where the service gives none. */
export type Policy = { text: string; etag: string };

/**
 * A tailnet's policy file, by the service's API.
 * @throws OcaptainError as a control plane's calls do; POLICY_CHANGED when the policy is not the one with that etag any
 *   more; POLICY_INVALID with the service's words
 */
export interface PolicyApi {
  read(): Promise<Policy>;
  /** Throws what the service would say against a policy; changes nothing. */
  validate(text: string): Promise<void>;
  /** Writes a policy, only over the one with this etag. */
  write(text: string, etag: string): Promise<void>;
}

const ACL = "/api/v2/tailnet/-/acl";
const HUJSON_HEADERS = { "content-type": "application/hujson", accept: "application/hujson" };
const SCOPE_HINT =
  "at login.tailscale.com/admin/settings/oauth make a client with the scope policy_file (write), for home-port alone: docs/tailnet.md";

/**
 * Tailscale's policy file (https://tailscale.com/api#tag/policyfile). The OAuth client needs the scope `policy_file`,
 * or `policy_file:read` for reading alone.
 */
export function openPolicy({ baseUrl, oauthSecret }: Extract<TailnetSettings, { kind: "tailscale" }>): PolicyApi {
  const token = openToken(baseUrl, oauthSecret, "tailscale:oauthClientSecret");
  const http = openTailnetHttp({ baseUrl, headers: HUJSON_HEADERS });
  /** `once`: the call is not repeated through trouble at the service, because it may have worked. */
  const ask = async (request: HttpRequest, { once = false } = {}): Promise<HttpReply> => {
    const bearer = await token.get();
    const authorized = { ...request, headers: { ...request.headers, authorization: `Bearer ${bearer}` } };
    const reply = await (once ? http(authorized) : steady(http, authorized));
    if (reply.status === 401) throw token.unauthorized(reply);
    if (reply.status === 403)
      throw new OcaptainError(
        "TAILNET_SCOPE",
        `${reply.call}: 403 ${errorText(reply)}: the OAuth client lacks the scope policy_file`,
        { hint: SCOPE_HINT },
      );
    if (reply.status === 412)
      throw new OcaptainError("POLICY_CHANGED", "the tailnet's policy was changed meanwhile: nothing was written over it", {
        hint: "pulumi up  # reads it anew",
      });
    if (reply.status === 400) throw new OcaptainError("POLICY_INVALID", `the tailnet refuses the policy: ${errorText(reply)}`);
    return accepted(reply);
  };

  return {
    async read() {
      const { body, headers } = await ask({ method: "GET", path: ACL });
      return { text: body.toString("utf8"), etag: headers.get("etag") ?? "" };
    },
    async validate(text) {
      const reply = await ask({ method: "POST", path: `${ACL}/validate`, body: text });
      // 200 with a message means that the policy fails its own tests.
      const said = ["", "{}"].includes(reply.body.toString("utf8").trim()) ? "" : errorText(reply);
      if (said) throw new OcaptainError("POLICY_INVALID", `the tailnet refuses the policy: ${said}`);
    },
    async write(text, etag) {
      await ask({ method: "POST", path: ACL, body: text, headers: etag ? { "if-match": etag } : {} }, { once: true });
    },
  };
}

/** Reads a Headscale's policy, which its API tells also when it comes from a file. */
export async function readHeadscalePolicy({ baseUrl, apiKey }: Extract<TailnetSettings, { kind: "headscale" }>): Promise<string> {
  const http = openTailnetHttp({ baseUrl, headers: { authorization: `Bearer ${apiKey}` } });
  return jsonOf<{ policy: string }>(await steady(http, { method: "GET", path: "/api/v1/policy" })).policy;
}
