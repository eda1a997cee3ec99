import type { dynamic } from "@pulumi/pulumi";

/**
 * All the code that is in state (docs/design.md#delegate): methods only, which capture nothing. They import the code
 * that does the work from disk at run time, so state holds a name and no code, and a fix reaches the deletion of
 * resources that exist. State has the source of this class as it is written here (delegated-resource.ts), so nothing
 * outside of it may be named in it.
 *
 * `configure` keeps the settings and does nothing asynchronous, because Pulumi's provider process uses a provider
 * before it has awaited its `configure` (docs/facts/pulumi.md#configuration). Credentials arrive here, and are never
 * inputs.
 */
export class Delegate implements dynamic.ResourceProvider {
  readonly kind: string;
  settings: Record<string, string | undefined> = {};

  constructor(kind: string) {
    this.kind = kind;
  }

  async configure(request: dynamic.ConfigureRequest) {
    const secrets = ["spritesToken", "claudeToken", "tailscaleOauthSecret", "headscaleApiKey", "notify"];
    for (const key of [
      ...secrets,
      "headscaleUrl",
      "captainNode",
      "keepWorkspace",
      "abandonUnsynced",
      "unconfined",
      "handover",
      "beginAnew",
      "adopt",
      "spritesOrg",
      "plan",
      "author",
      "signOff",
    ])
      this.settings[key] = request.config.get(`ocaptain:${key}`) || undefined;
    // `destroy` runs no program that could say so before. Whoever calls next meets the same object, whatever becomes of
    // this call.
    if (Number(process.versions.node.split(".")[0]) >= 24) return;
    const refuse = async (): Promise<never> => {
      const hint =
        'put Node 24 or later first on PATH; or type: eval "$(ocaptain env)"; in a checkout of ocaptain: npm run setup && . .tools/env.sh';
      const old = new Error(`this needs Node 24 or later, and runs on ${process.version} (${process.execPath})\n  hint: ${hint}`);
      old.stack = "";
      throw old;
    };
    Object.assign(this, { check: refuse, diff: refuse, create: refuse, read: refuse, update: refuse, delete: refuse });
  }

  async check(olds: object, news: object) {
    const { createRequire } = await import("node:module");
    const host = await import(createRequire(`${process.cwd()}/`).resolve("ocaptain/host"));
    return host.check(this.kind, this.settings, news, olds);
  }

  async diff(_id: string, olds: object, news: object) {
    const { createRequire } = await import("node:module");
    const host = await import(createRequire(`${process.cwd()}/`).resolve("ocaptain/host"));
    return host.diff(this.kind, this.settings, olds, news);
  }

  async create(news: object) {
    const { createRequire } = await import("node:module");
    const host = await import(createRequire(`${process.cwd()}/`).resolve("ocaptain/host"));
    return host.create(this.kind, this.settings, news);
  }

  async read(id: string, props: object) {
    const { createRequire } = await import("node:module");
    const host = await import(createRequire(`${process.cwd()}/`).resolve("ocaptain/host"));
    return host.read(this.kind, this.settings, id, props);
  }

  async update(_id: string, olds: object, news: object) {
    const { createRequire } = await import("node:module");
    const host = await import(createRequire(`${process.cwd()}/`).resolve("ocaptain/host"));
    return host.update(this.kind, this.settings, olds, news);
  }

  async delete(_id: string, props: object) {
    const { createRequire } = await import("node:module");
    const host = await import(createRequire(`${process.cwd()}/`).resolve("ocaptain/host"));
    return host.remove(this.kind, this.settings, props);
  }
}
