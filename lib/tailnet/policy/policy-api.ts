import { OcaptainError } from "../../base/errors.ts";
import { type Call, call, describe, errorText, type Reply } from "../control/http.ts";
import type { TailnetSettings } from "../control/settings.ts";
import { openToken } from "../control/tailscale-token.ts";

/** A policy as it lies at the service. `etag`: what it is known by; "" where the service has none. */
export type Policy = { text: string; etag: string };

/**
 * A tailnet's policy file.
 * @throws OcaptainError as {@link TailnetControl}; POLICY_CHANGED when it is not the one with that etag any more; POLICY_INVALID with the service's words.
 */
export interface PolicyApi {
  read(): Promise<Policy>;
  /** What the service would say to it; changes nothing. */
  validate(text: string): Promise<void>;
  /** Only over the policy with this etag. */
  write(text: string, etag: string): Promise<void>;
}

const ACL = "/api/v2/tailnet/-/acl";
const HUJSON = { "content-type": "application/hujson", accept: "application/hujson" };
const SCOPE_HINT =
  "at login.tailscale.com/admin/settings/oauth make a client with the scope policy_file (write), for home-port alone: docs/tailnet.md";

/** Tailscale's (https://tailscale.com/api#tag/policyfile): scope `policy_file` of the OAuth client; `policy_file:read` does for reading. */
export function openPolicy({ baseUrl, oauthSecret }: Extract<TailnetSettings, { kind: "tailscale" }>): PolicyApi {
  const token = openToken(baseUrl, oauthSecret, "tailscale:oauthClientSecret");
  const ask = async (request: Call): Promise<Reply> => {
    const bearer = await token.get();
    const reply = await call(baseUrl, {
      ...request,
      headers: { ...HUJSON, ...request.headers, authorization: `Bearer ${bearer}` },
    });
    if (reply.status === 401) throw token.unauthorized(reply);
    if (reply.status === 403)
      throw new OcaptainError(
        "TAILNET_SCOPE",
        `${describe(baseUrl, request)}: 403 ${errorText(reply)}: the OAuth client lacks the scope policy_file`,
        {
          hint: SCOPE_HINT,
        },
      );
    return reply;
  };
  const accepted = (request: Call, reply: Reply): Reply => {
    if (reply.status === 412)
      throw new OcaptainError("POLICY_CHANGED", "the tailnet's policy was changed meanwhile: nothing was written over it", {
        hint: "pulumi up  # reads it anew",
      });
    if (reply.status === 400) throw new OcaptainError("POLICY_INVALID", `the tailnet refuses the policy: ${errorText(reply)}`);
    if (reply.status >= 200 && reply.status < 300) return reply;
    throw new OcaptainError("TAILNET_REFUSED", `${describe(baseUrl, request)}: ${reply.status} ${errorText(reply)}`);
  };

  return {
    async read() {
      const request: Call = { method: "GET", path: ACL };
      const { text, headers } = accepted(request, await ask(request));
      return { text, etag: headers.get("etag") ?? "" };
    },
    async validate(text) {
      const request: Call = { method: "POST", path: `${ACL}/validate`, text };
      const reply = accepted(request, await ask(request));
      // 200 with a message is a policy that fails its own tests.
      const said = reply.text.trim() && reply.text.trim() !== "{}" ? errorText(reply) : "";
      if (said) throw new OcaptainError("POLICY_INVALID", `the tailnet refuses the policy: ${said}`);
    },
    async write(text, etag) {
      const request: Call = { method: "POST", path: ACL, text, once: true, headers: etag ? { "if-match": etag } : {} };
      accepted(request, await ask(request));
    },
  };
}

/** Headscale's, as its API tells it; with a policy from a file that is read-only. */
export async function readHeadscalePolicy({ baseUrl, apiKey }: Extract<TailnetSettings, { kind: "headscale" }>): Promise<string> {
  const request: Call = { method: "GET", path: "/api/v1/policy" };
  const reply = await call(baseUrl, { ...request, headers: { authorization: `Bearer ${apiKey}` } });
  if (reply.status !== 200)
    throw new OcaptainError("TAILNET_REFUSED", `${describe(baseUrl, request)}: ${reply.status} ${errorText(reply)}`);
  return (JSON.parse(reply.text) as { policy: string }).policy;
}
