import { tokensOf } from "../../lib/git/server-token.ts";
import type { Forge, ForgePlace } from "./forge.ts";
import { openGitea } from "./gitea.ts";
import { openGithub } from "./github.ts";
import { findKey, unusedToken } from "./token.ts";
import { type WhichAsk, whichForge } from "./which.ts";

/**
 * Opens the forge that a repository lies on; null where it is a folder, or a server without an API that we know, which
 * can only be pushed to. Which one it is, is told by the setting, by the address, or by the server itself.
 *
 * @throws OcaptainError USAGE, FORGE_AWAY, FORGE_LIMIT
 */
export async function openForge(ask: WhichAsk): Promise<Forge | null> {
  const found = await whichForge(ask);
  if (!found) return null;
  const { place, isNamed } = found;
  const key = await findKey({ place, isNamed, env: ask.env, signal: ask.signal });
  const tokenHint = (!key && unusedToken({ place, isNamed, env: ask.env })) || howToGiveOne(place);
  const open = place.kind === "github" ? openGithub : openGitea;
  return open({ place, key, tokenHint, signal: ask.signal });
}

function howToGiveOne({ kind, web }: ForgePlace): string {
  const { origin, hostname } = new URL(web);
  if (kind === "github")
    return hostname === "github.com"
      ? "gh auth login  # or set GH_TOKEN"
      : `gh auth login --hostname ${hostname}  # or set GH_HOST and GH_TOKEN`;
  const [name, server] = tokensOf(kind)[0]!;
  return `make a token at ${origin}/user/settings/applications (scopes write:repository, write:issue), and set ${name} and ${server}=${origin}`;
}
