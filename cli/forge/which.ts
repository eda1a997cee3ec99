import { z } from "zod";
import { fitOrThrow } from "../../lib/base/check-input.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { openHttp } from "../../lib/base/http-call.ts";
import { isInside } from "../../lib/base/no-proxy.ts";
import { plain } from "../../lib/base/text.ts";
import { ForgeSetting } from "../../lib/voyage/forge-setting.ts";
import { type Address, readAddress } from "./address.ts";
import type { ForgeKind, ForgePlace } from "./forge.ts";

export type WhichAsk = { origin: string; forge?: string | undefined; env: NodeJS.ProcessEnv; signal?: AbortSignal | undefined };

/** Servers whose kind their name tells. */
const KNOWN: Record<string, ForgeKind> = { "codeberg.org": "forgejo", "gitea.com": "gitea", "gitlab.com": "git" };
const Version = z.looseObject({ version: z.string().max(200) });
const KiB = 1024;

/**
 * Tells on which forge a repository lies: by the setting, else by the name of the server, else by asking the server,
 * without any token. Returns null for a server without an API that we know, and for a folder of this machine.
 *
 * `isNamed` says that the captain has named the server, so that a token which is for no certain server may go there.
 * @throws OcaptainError USAGE for a setting that is none, and for an address where a token would be seen; FORGE_AWAY
 */
export async function whichForge(ask: WhichAsk): Promise<{ place: ForgePlace; isNamed: boolean } | null> {
  const setting = ask.forge ? readSetting(ask.forge) : undefined;
  const address = readAddress(ask.origin);
  if (!address || setting?.kind === "git") return null;
  const web = setting?.web ?? address.web;
  const kind = setting?.kind ?? kindByName(address, ask.env) ?? (await askServer(address, ask));
  if (kind === "git") return null;
  const api = kind === "github" ? githubApi(web, ask.env) : `${web}/api/v1`;
  if (!isSafe(api))
    throw new OcaptainError("USAGE", `the forge's API at ${api} is not https://, and a token would be seen on the way there`, {
      hint: "pulumi config set ocaptain:forge git  # then ocaptain only pushes",
    });
  const { owner, repo } = address;
  return { place: { kind, api, owner, repo, web: `${web}/${owner}/${repo}` }, isNamed: setting?.web !== undefined };
}

/** @throws OcaptainError USAGE */
function readSetting(text: string): z.infer<typeof ForgeSetting> {
  return fitOrThrow(ForgeSetting, text, (why) => {
    const hint = "pulumi config set ocaptain:forge gitea";
    return new OcaptainError("USAGE", `ocaptain:forge is ${JSON.stringify(plain(text, { most: 200 }))}: ${why}`, { hint });
  });
}

function kindByName({ hostname }: Address, env: NodeJS.ProcessEnv): ForgeKind | undefined {
  if (hostname === "github.com" || hostname.endsWith(".ghe.com") || hostname === env.GH_HOST?.toLowerCase()) return "github";
  return KNOWN[hostname];
}

/** Whether nobody sees a token that is sent to an address. */
export function isSafe(address: string): boolean {
  const url = URL.parse(address);
  return url?.protocol === "https:" || (url?.protocol === "http:" && isInside(url.hostname));
}

/** GitHub's API, which an Enterprise Server has below its own address. */
export function githubApi(web: string, env: NodeJS.ProcessEnv): string {
  if (env.GITHUB_API_URL) return env.GITHUB_API_URL.replace(/\/+$/, "");
  const { hostname } = new URL(web);
  return hostname === "github.com" || hostname.endsWith(".ghe.com") ? `https://api.${hostname}` : `${web}/api/v3`;
}

/**
 * Asks a server for its version as Gitea and Forgejo tell it. One that wants everybody to sign in says that in words of
 * theirs.
 */
async function askServer({ web, by }: Address, { origin, signal }: WhichAsk): Promise<ForgeKind> {
  const http = openHttp({
    ...{ baseUrl: web, timeoutMs: 10_000, mostBytes: 64 * KiB, redirect: "follow", rateBudgetMs: 10_000, signal },
    unreachable: { code: "FORGE_AWAY", hint: `git ls-remote ${origin}` },
    rateLimited: { code: "FORGE_LIMIT", hint: "wait, and try again" },
  });
  const reply = await http({ method: "GET", path: "/api/v1/version" }).catch((error: unknown) => {
    signal?.throwIfAborted();
    // Where ssh answers, there need be no pages at all.
    if (by === "ssh") return null;
    throw error;
  });
  const text = reply?.body.toString("utf8") ?? "";
  if (reply && (reply.status === 401 || reply.status === 403) && /signed.in|token is required/i.test(text)) return "gitea";
  if (reply?.status !== 200) return "git";
  try {
    const { version } = Version.parse(JSON.parse(text));
    // Forgejo names in its version the Gitea that its API is that of.
    return /gitea|forgejo/i.test(version) ? "forgejo" : "gitea";
  } catch {
    return "git";
  }
}
