import { OcaptainError } from "../../base/errors.ts";
import { errorText, type HttpReply, steady } from "../../base/http-call.ts";
import { askForSecret } from "../../base/secret-hints.ts";
import { openTailnetHttp } from "./calls.ts";

/** A right of an OAuth client, as the API's documentation names it at each call. */
export type Scope = "auth_keys" | "devices:core" | "policy_file";

type Token = { bearer: string; goodUntil: number; scope: string | undefined };

/** A token is not used in its last minute, because a call that is under way must not outlive it. */
const MARGIN_MS = 60_000;
/** The scopes that a voyage needs; the project home-port needs policy_file instead. */
const OF_A_VOYAGE: readonly Scope[] = ["auth_keys", "devices:core"];
/**
 * The scopes that include each of ours, older and broader ones too (https://tailscale.com/kb/1623/trust-credentials).
 */
const HOLDERS: Record<Scope, readonly string[]> = {
  auth_keys: ["auth_keys", "devices", "all"],
  "devices:core": ["devices:core", "devices", "all"],
  policy_file: ["policy_file", "acl", "all"],
};

/**
 * Access tokens of an OAuth client, by its secret. A token lives an hour; one is asked for at a time, and shared by all
 * callers. `setting` is where the captain has put the secret, for messages.
 */
export function openToken(baseUrl: string, secret: string, setting = "ocaptain:tailscaleOauthSecret") {
  let known: Token | undefined;
  let asking: Promise<Token> | undefined;

  const http = openTailnetHttp({ baseUrl });
  const fresh = async (): Promise<Token> => {
    // A secret reads tskey-client-ID-…: the client's id is its third word.
    const form = { grant_type: "client_credentials", client_id: secret.split("-")[2] ?? "", client_secret: secret };
    const reply = await steady(http, { method: "POST", path: "/api/v2/oauth/token", body: new URLSearchParams(form) });
    if (reply.status === 400 || reply.status === 401 || reply.status === 403) throw unauthorized(reply);
    if (reply.status !== 200)
      throw new OcaptainError(
        "TAILNET_REFUSED",
        `${new URL(baseUrl).host} gave no access token: ${reply.status} ${errorText(reply)}`,
      );
    const told = JSON.parse(reply.body.toString("utf8")) as { access_token: string; expires_in?: number; scope?: string };
    return {
      bearer: told.access_token,
      goodUntil: Date.now() + (told.expires_in ?? 3600) * 1000 - MARGIN_MS,
      scope: told.scope,
    };
  };

  const token = (): Promise<Token> | Token => {
    if (known && known.goodUntil > Date.now()) return known;
    asking ??= fresh()
      .then((told) => {
        known = told;
        return told;
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };

  const unauthorized = (reply: HttpReply) =>
    new OcaptainError(
      "TAILNET_UNAUTHORIZED",
      `${new URL(baseUrl).host} refused the OAuth client's secret (${reply.status}): ${errorText(reply).replaceAll(secret, "…")}`,
      { hint: askForSecret(setting, "it asks for it; was the client revoked?") },
    );

  return {
    get: async () => (await token()).bearer,
    /** Drops a token that the service has refused, so that the next call asks for another. */
    forget(bearer: string): void {
      if (known?.bearer === bearer) known = undefined;
    },
    /** The scopes that the client lacks; null when the service does not say. */
    async scopes(): Promise<{ missing: Scope[] } | null> {
      const { scope } = await token();
      if (!scope) return null;
      const held = scope.split(/[\s,]+/);
      return { missing: OF_A_VOYAGE.filter((one) => !HOLDERS[one].some((name) => held.includes(name))) };
    },
    unauthorized,
  };
}
