import type { PreflightFinding } from "../../base/finding.ts";
import { askForSecret } from "../../base/secret-hints.ts";

/** What the stack's configuration says of the tailnet. All of it is optional, and some is secret. */
export type TailnetConfig = {
  /** `ocaptain:tailscaleOauthSecret`, `tskey-client-…`; else OCAPTAIN_TAILSCALE_OAUTH_SECRET. */
  tailscaleOauthSecret?: string | undefined;
  /** `ocaptain:headscaleUrl`: where ships and captain reach it. When it is set, Headscale it is. */
  headscaleUrl?: string | undefined;
  /** `ocaptain:headscaleApiKey`; else HEADSCALE_API_KEY. */
  headscaleApiKey?: string | undefined;
};

/** One control plane and the secret for it. `baseUrl`: no slash at its end. */
export type TailnetSettings =
  | { kind: "tailscale"; baseUrl: string; oauthSecret: string }
  | { kind: "headscale"; baseUrl: string; apiKey: string };

const TAILSCALE_API = "https://api.tailscale.com";
const OAUTH_HINT = askForSecret(
  "ocaptain:tailscaleOauthSecret",
  "it asks for it: of an OAuth client with the scopes auth_keys and devices:core and the tag tag:ocaptain-ship; docs/tailnet.md",
);
export const API_KEY_HINT = askForSecret("ocaptain:headscaleApiKey", "it asks for it: headscale apikeys create makes one");

/**
 * The control plane that the configuration means, or what is wrong with the configuration. TAILSCALE_BASE_URL is the
 * vendor's own variable for another address of its API.
 */
export function readTailnetSettings(
  config: TailnetConfig,
  env: Record<string, string | undefined> = process.env,
): { settings: TailnetSettings | null; findings: PreflightFinding[] } {
  const { headscaleUrl, tailscaleOauthSecret } = config;
  const wrong = (field: string, message: string, hint: string) => ({
    settings: null,
    findings: [{ what: `ocaptain:${field}`, message, hint }],
  });
  if (!headscaleUrl) {
    if (config.headscaleApiKey)
      return wrong(
        "headscaleUrl",
        "is missing, for which there is a key (ocaptain:headscaleApiKey)",
        "pulumi config set ocaptain:headscaleUrl  # it asks for the URL",
      );
    const oauthSecret = (tailscaleOauthSecret ?? env.OCAPTAIN_TAILSCALE_OAUTH_SECRET)?.trim();
    if (!oauthSecret)
      return wrong(
        "tailscaleOauthSecret",
        "is missing, which mesh tailscale needs (or OCAPTAIN_TAILSCALE_OAUTH_SECRET in the environment; or, for a Headscale, ocaptain:headscaleUrl and ocaptain:headscaleApiKey)",
        OAUTH_HINT,
      );
    if (!/^tskey-client-[\w-]+$/.test(oauthSecret))
      return wrong("tailscaleOauthSecret", "is not a secret of an OAuth client (these begin with tskey-client-)", OAUTH_HINT);
    return {
      settings: { kind: "tailscale", baseUrl: trimmed(env.TAILSCALE_BASE_URL || TAILSCALE_API), oauthSecret },
      findings: [],
    };
  }
  if (tailscaleOauthSecret)
    return wrong(
      "headscaleUrl",
      "and ocaptain:tailscaleOauthSecret are both set: a voyage has one tailnet",
      "pulumi config rm ocaptain:headscaleUrl  # or ocaptain:tailscaleOauthSecret",
    );
  if (!isHttpUrl(headscaleUrl))
    return wrong(
      "headscaleUrl",
      "is no http:// or https:// URL without a user",
      "pulumi config set ocaptain:headscaleUrl  # it asks for the URL",
    );
  const apiKey = (config.headscaleApiKey ?? env.HEADSCALE_API_KEY)?.trim();
  if (!apiKey)
    return wrong(
      "headscaleApiKey",
      "is missing, which ocaptain:headscaleUrl needs (or HEADSCALE_API_KEY in the environment)",
      API_KEY_HINT,
    );
  return { settings: { kind: "headscale", baseUrl: trimmed(headscaleUrl), apiKey }, findings: [] };
}

const trimmed = (url: string) => url.replace(/\/+$/, "");

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && !username && !password;
}
