import { OcaptainError } from "../../base/errors.ts";
import { errorText, type HttpReply, type HttpRequest, sleep, steady, Unreachable } from "../../base/http-call.ts";
import { askForSecret } from "../../base/secret-hints.ts";
import { accepted, jsonOf, openTailnetHttp, refused } from "./calls.ts";
import { isOfVoyage, keyDescription } from "./key-marks.ts";
import type { TailnetSettings } from "./settings.ts";
import { openToken, type Scope } from "./tailscale-token.ts";
import { KEY_LIFETIME_SECONDS, type KeyInfo, type ListedNode, SHIP_TAG, type TailnetControl } from "./types.ts";

type RawKey = {
  id: string;
  keyType?: string;
  key?: string;
  description?: string;
  expires?: string;
  revoked?: string;
  /** Used up, expired or revoked. */
  invalid?: boolean;
};
type RawDevice = {
  nodeId?: string;
  id: string;
  hostname: string;
  /** With the tailnet's domain. */
  name: string;
  addresses?: string[];
  tags?: string[];
  lastSeen?: string;
  created?: string;
  expires?: string;
  keyExpiryDisabled?: boolean;
  connectedToControl?: boolean;
  isExternal?: boolean;
};

/** Paths of the API; "-" is the tailnet that the token belongs to. */
const TAILNET = "/api/v2/tailnet/-";
const MINT_ATTEMPTS = 3;

/**
 * Tailscale's service, by its API (https://tailscale.com/api) and an OAuth client's secret. The client needs the scopes
 * that the API documents at each call: `auth_keys` for keys and `devices:core` for machines.
 */
export function tailscaleControl({ baseUrl, oauthSecret }: Extract<TailnetSettings, { kind: "tailscale" }>): TailnetControl {
  const token = openToken(baseUrl, oauthSecret);

  const http = openTailnetHttp({ baseUrl });

  /** `once`: the call is not repeated through trouble at the service, because it may have worked. */
  const ask = async (request: HttpRequest, scope: Scope, { once = false } = {}): Promise<HttpReply> => {
    for (let first = true; ; first = false) {
      const bearer = await token.get();
      const authorized = { ...request, headers: { authorization: `Bearer ${bearer}` } };
      const reply = await (once ? http(authorized) : steady(http, authorized));
      if (reply.status === 401 && first)
        token.forget(bearer); // it has run out in the middle
      else if (reply.status === 401) throw token.unauthorized(reply);
      else if (reply.status === 403) throw outOfScope(scope, reply);
      else return reply;
    }
  };
  const json = async <T>(request: HttpRequest, scope: Scope): Promise<T> => jsonOf<T>(await ask(request, scope));

  const getKey = async (id: string): Promise<RawKey | null> => {
    const reply = await ask({ method: "GET", path: `${TAILNET}/keys/${encodeURIComponent(id)}` }, "auth_keys");
    return reply.status === 404 ? null : jsonOf<RawKey>(reply);
  };

  /**
   * The voyage's keys. Without `all` the list has OAuth clients only; entries that have only an id are read one by one.
   */
  const keysOf = async (voyageId: string): Promise<RawKey[]> => {
    const { keys } = await json<{ keys: RawKey[] }>({ method: "GET", path: `${TAILNET}/keys?all=true` }, "auth_keys");
    const auth = keys.filter(({ keyType }) => keyType === undefined || keyType === "auth");
    const whole = await Promise.all(auth.map((key) => (key.description === undefined && !key.expires ? getKey(key.id) : key)));
    return whole.filter((key) => key !== null && isOfVoyage(key.description ?? "", voyageId)) as RawKey[];
  };

  const remove = async (id: string) => {
    const reply = await ask({ method: "DELETE", path: `${TAILNET}/keys/${encodeURIComponent(id)}` }, "auth_keys");
    if (reply.status !== 404) accepted(reply);
  };

  return {
    kind: "tailscale",
    loginServer: undefined,

    async mintKey(of, tag = SHIP_TAG) {
      const description = keyDescription(of);
      const create = { reusable: false, ephemeral: false, preauthorized: true, tags: [tag] };
      const json = { capabilities: { devices: { create } }, expirySeconds: KEY_LIFETIME_SECONDS, description };
      for (let attempt = 1; ; attempt++) {
        const lost = await ask({ method: "POST", path: `${TAILNET}/keys`, json }, "auth_keys", { once: true }).then(
          (reply) => (reply.status < 500 ? minted(reply, tag) : reply),
          (error: unknown) => {
            if (error instanceof Unreachable) return error;
            throw error;
          },
        );
        if ("key" in lost) return lost;
        // The key may have been made. It is known by its description, and of no use to anybody, because nobody was told
        // it.
        for (const key of await keysOf(of.voyageId)) if (key.description === description) await remove(key.id);
        if (attempt === MINT_ATTEMPTS) throw lost instanceof Unreachable ? lost : refused(lost);
        await sleep(attempt * 300);
      }
    },

    async getKey(id) {
      const key = await getKey(id);
      return key && keyInfo(key);
    },

    listKeys: async (voyageId) => (await keysOf(voyageId)).map(keyInfo),

    async deleteKey(id, voyageId) {
      const key = await getKey(id);
      if (key && isOfVoyage(key.description ?? "", voyageId)) await remove(id);
    },

    async listNodes() {
      const path = `${TAILNET}/devices`;
      const { devices } = await json<{ devices: RawDevice[] }>({ method: "GET", path }, "devices:core");
      return devices.filter(({ isExternal }) => !isExternal).map(node);
    },

    async deleteNode(id) {
      const reply = await ask({ method: "DELETE", path: `/api/v2/device/${encodeURIComponent(id)}` }, "devices:core");
      if (reply.status !== 404) accepted(reply);
    },

    async probe() {
      const missing = (await token.scopes())?.missing ?? [];
      if (missing.length > 0) throw scopesMissing(baseUrl, missing);
      await Promise.all([
        json({ method: "GET", path: `${TAILNET}/keys?all=true` }, "auth_keys"),
        json({ method: "GET", path: `${TAILNET}/devices` }, "devices:core"),
      ]);
    },
  };
}

const outOfScope = (scope: Scope, reply: HttpReply) =>
  new OcaptainError("TAILNET_SCOPE", `${reply.call}: 403 ${errorText(reply)}: the OAuth client lacks the scope ${scope}`, {
    hint: SCOPE_HINT,
  });

const scopesMissing = (baseUrl: string, missing: readonly Scope[]) =>
  new OcaptainError("TAILNET_SCOPE", `${new URL(baseUrl).host}: the OAuth client lacks the scope ${missing.join(" and ")}`, {
    hint: SCOPE_HINT,
  });

const SCOPE_HINT = `at login.tailscale.com/admin/settings/oauth make a client with the scopes auth_keys and devices:core (both write) and the tag ${SHIP_TAG}, then: ${askForSecret("ocaptain:tailscaleOauthSecret")}`;

const keyInfo = (key: RawKey): KeyInfo => ({
  id: key.id,
  expiresAt: key.expires ?? "",
  usable: !key.invalid && !past(key.revoked) && !past(key.expires),
});

const node = (raw: RawDevice): ListedNode => ({
  id: raw.nodeId ?? raw.id,
  hostname: raw.hostname,
  name: raw.name.split(".")[0] ?? raw.name,
  domain: raw.name.split(".").slice(1).join(".").slice(0, 255) || undefined,
  addresses: raw.addresses ?? [],
  tags: raw.tags ?? [],
  // Where connectedToControl is missing, lastSeen is told while a machine is connected, too.
  online: raw.connectedToControl ?? Date.parse(raw.lastSeen ?? "") > Date.now() - ONLINE_MS,
  lastSeen: raw.lastSeen || null,
  createdAt: raw.created || null,
  expired: !raw.keyExpiryDisabled && past(raw.expires),
});

const ONLINE_MS = 3 * 60_000;

/** Whether an instant is past. Missing, empty and the year 1 mean never. */
const past = (instant: string | undefined) => {
  const ms = instant ? Date.parse(instant) : Number.NaN;
  return ms > 0 && ms <= Date.now();
};

function minted(reply: HttpReply, tag: string) {
  if (reply.status === 400 && /tags? .*(invalid|not permitted)/i.test(errorText(reply)))
    throw new OcaptainError("TAILNET_TAG", `${reply.call}: 400 ${errorText(reply)}`, {
      hint: `${tag} must have an owner in the tailnet's policy, and be a tag of the OAuth client (docs/tailnet.md)`,
    });
  const { id, key, expires } = jsonOf<RawKey>(reply);
  if (!key) throw new OcaptainError("TAILNET_REFUSED", `${reply.call}: the answer holds no key`);
  return { id, key, expiresAt: expires ?? new Date(Date.now() + KEY_LIFETIME_SECONDS * 1000).toISOString() };
}
