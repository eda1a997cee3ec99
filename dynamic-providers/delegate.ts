import type { dynamic } from "@pulumi/pulumi";

/**
 * All the code that is in state (docs/design.md#delegate): methods only, which capture nothing. They import the code
 * that does the work from disk at run time, so state holds a name and no code, and a fix reaches the deletion of
 * resources that exist. State has the source of this class as it is written here (delegated-resource.ts), so nothing
 * outside of it may be named in it; and it has that twice for each resource, and is written at each step of each
 * resource, so this class is short (docs/bench.md).
 *
 * `configure` keeps the configuration and does nothing asynchronous, because Pulumi's provider process uses a provider
 * before it has awaited its `configure` (docs/facts/pulumi.md#configuration). Credentials arrive here, and are never
 * inputs.
 */
export class Delegate implements dynamic.ResourceProvider {
  readonly kind: string;
  config: unknown;

  constructor(kind: string) {
    this.kind = kind;
  }

  async configure(request: dynamic.ConfigureRequest) {
    this.config = request.config;
  }

  async host() {
    // `destroy` runs no program that could say so before.
    if (Number(process.versions.node.split(".")[0]) < 24) {
      const hint =
        'put Node 24 or later first on PATH; or type: eval "$(ocaptain env)"; in a checkout of ocaptain: npm run setup && . .tools/env.sh';
      const old = new Error(`this needs Node 24 or later, and runs on ${process.version} (${process.execPath})\n  hint: ${hint}`);
      old.stack = "";
      throw old;
    }
    const { createRequire } = await import("node:module");
    const { provider } = await import(createRequire(`${process.cwd()}/`).resolve("ocaptain/host"));
    return provider(this.kind, this.config);
  }

  async check(...args: unknown[]) {
    return (await this.host()).check(...args);
  }

  async diff(...args: unknown[]) {
    return (await this.host()).diff(...args);
  }

  async create(...args: unknown[]) {
    return (await this.host()).create(...args);
  }

  async read(...args: unknown[]) {
    return (await this.host()).read(...args);
  }

  async update(...args: unknown[]) {
    return (await this.host()).update(...args);
  }

  async delete(...args: unknown[]) {
    return (await this.host()).delete(...args);
  }
}
