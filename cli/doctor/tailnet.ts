import { explain } from "../../lib/base/errors.ts";
import { readTailnetSettings, type TailnetSettings } from "../../lib/tailnet/control/settings.ts";
import { checkPolicy } from "../../lib/tailnet/policy/policy.ts";
import { openPolicy, readHeadscalePolicy } from "../../lib/tailnet/policy/policy-api.ts";
import { type Finding, found } from "./finding.ts";

/**
 * Checks that the tailnet's policy does what voyages need, where the environment has a secret for it: HEADSCALE_URL
 * with HEADSCALE_API_KEY, else TAILSCALE_OAUTH_CLIENT_SECRET (home-port's), else OCAPTAIN_TAILSCALE_OAUTH_SECRET, if
 * that may read policies. A stack's own secrets are Pulumi's, and not looked into. Changes nothing.
 */
export async function lookAtTailnet(env: Record<string, string | undefined> = process.env): Promise<Finding[]> {
  const tailscaleOauthSecret = env.TAILSCALE_OAUTH_CLIENT_SECRET || env.OCAPTAIN_TAILSCALE_OAUTH_SECRET;
  // Most captains have no tailnet, and nothing is missing here.
  if (!tailscaleOauthSecret && !env.HEADSCALE_URL) {
    const message = `not looked at: the environment has no secret for it; only voyages with ocaptain:mesh tailscale need one (docs/tailnet.md#policy)`;
    return [found("tailnet", "policy", "note", message)];
  }
  const config = env.HEADSCALE_URL ? { headscaleUrl: env.HEADSCALE_URL } : { tailscaleOauthSecret };
  const { settings, findings } = readTailnetSettings(config, env);
  if (!settings) return findings.map(({ what, message, hint }) => found("tailnet", what, "wrong", message, hint));
  const what = `policy at ${new URL(settings.baseUrl).host}`;
  try {
    const { piece, problems } = checkPolicy(await readPolicy(settings), settings.kind);
    const open = problems.map((problem) => found("tailnet", what, "wrong", problem));
    if (!piece) return [...open, ...(open.length > 0 ? [] : [found("tailnet", what, "ok", "does what voyages need")])];
    return [...open, found("tailnet", what, "wrong", "lacks rules that voyages need", `${HINT[settings.kind]}\n${piece}`)];
  } catch (error) {
    return [found("tailnet", what, "note", `could not be read: ${explain(error)}`)];
  }
}

const HINT = {
  tailscale:
    "sail home-port once (docs/tailnet.md), or merge this into login.tailscale.com/admin/acls, captains being who owns the tags:",
  headscale: "merge this into the file of policy.path, captains (you@) being who owns the tags:",
};

const readPolicy = async (settings: TailnetSettings): Promise<string> =>
  settings.kind === "headscale" ? readHeadscalePolicy(settings) : (await openPolicy(settings).read()).text;
