import { isInside } from "../base/no-proxy.ts";
import type { GitConfig } from "./run.ts";

/** The variables with a token for a server of Gitea or Forgejo, each with the one that says which server that is. */
const TOKENS = [
  ["FORGEJO_TOKEN", "FORGEJO_SERVER_URL"],
  ["GITEA_TOKEN", "GITEA_SERVER_URL"],
] as const;

/** Those of them that count for a server of this kind, the most fitting first. */
export const tokensOf = (kind: string): readonly (typeof TOKENS)[number][] => (kind === "forgejo" ? TOKENS : TOKENS.slice(1));

/**
 * The settings that send a token by which git reads a private repository: GH_TOKEN as GitHub takes it, and that of a
 * Gitea or Forgejo. A plan names the repository, so a token goes to the server that it is for alone: GitHub (or
 * GH_HOST), or the address that the captain has set beside it; and never in clear, but on this machine and within a
 * tailnet.
 */
export function tokenConfig(address: string, token: string | undefined, env: NodeJS.ProcessEnv = process.env): GitConfig {
  const url = URL.parse(address);
  if (!url || !(url.protocol === "https:" || (url.protocol === "http:" && isInside(url.hostname)))) return [];
  if (token && url.protocol === "https:" && url.host === (env.GH_HOST || "github.com"))
    return [header(url, `x-access-token:${token}`)];
  const [name] = TOKENS.find(([name, server]) => env[name] && URL.parse(env[server] ?? "")?.origin === url.origin) ?? [];
  return name ? [header(url, `ocaptain:${env[name]}`)] : [];
}

const header = ({ origin }: URL, login: string) =>
  [`http.${origin}/.extraHeader`, `Authorization: Basic ${Buffer.from(login).toString("base64")}`] as const;
