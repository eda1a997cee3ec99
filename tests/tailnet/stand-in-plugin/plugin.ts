import { main, type Provider } from "@pulumi/pulumi/provider/index.js";

/**
 * A stand-in of the plugin of @pulumi/tailscale, whose binary is not at any package registry. It has the resource Acl
 * as its source does (terraform-provider-tailscale, resource_acl.go), and is as awkward: an update sends no If-Match,
 * and a delete leaves the policy as it is.
 */
const base = process.env.TAILSCALE_BASE_URL ?? "";

async function call(method: string, path: string, init: RequestInit = {}): Promise<string> {
  const reply = await fetch(base + path, { ...init, method, signal: AbortSignal.timeout(10_000) });
  if (!reply.ok) throw new Error(`Failed to set ACL: ${await reply.text()} (${reply.status})`);
  return reply.text();
}

async function acl(method: string, body?: string, ifMatch?: string): Promise<string> {
  const secret = process.env.TAILSCALE_OAUTH_CLIENT_SECRET ?? "";
  const form = new URLSearchParams({ grant_type: "client_credentials", client_secret: secret });
  const { access_token } = JSON.parse(await call("POST", "/api/v2/oauth/token", { body: form }));
  const headers = { authorization: `Bearer ${access_token}`, accept: "application/hujson", "content-type": "application/hujson" };
  return call(method, "/api/v2/tailnet/-/acl", {
    headers: { ...headers, ...(ifMatch && { "if-match": ifMatch }) },
    body: body ?? null,
  });
}

type Acl = { acl: string; overwriteExistingContent?: boolean };
const provider: Provider = {
  version: "0.29.1",
  schema: JSON.stringify({ name: "tailscale", version: "0.29.1" }),
  check: async (_urn, _olds, news) => ({ inputs: news }),
  diff: async (_id, _urn, olds: Acl, news: Acl) => ({ changes: olds.acl !== news.acl }),
  async create(_urn, inputs: Acl) {
    await acl("POST", inputs.acl, inputs.overwriteExistingContent ? undefined : '"ts-default"');
    return { id: "acl", outs: inputs };
  },
  async read(id, _urn, props?: Acl) {
    const props_ = { ...props, acl: await acl("GET") };
    return { id, props: props_, inputs: props_ };
  },
  async update(_id, _urn, _olds, news: Acl) {
    await acl("POST", news.acl);
    return { outs: news };
  },
  async delete() {},
};

await main(provider, process.argv.slice(2));
