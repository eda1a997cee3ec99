import { OcaptainError } from "../../base/errors.ts";
import { type HttpReply, type HttpRequest, sleep, steady, Unreachable } from "../../base/http-call.ts";
import { shared } from "../../base/single-flight.ts";
import { jsonOf, openTailnetHttp, refused } from "./calls.ts";
import { isMarked, markedExpiry } from "./key-marks.ts";
import { API_KEY_HINT, type TailnetSettings } from "./settings.ts";
import { CAPTAIN_TAG, KEY_LIFETIME_SECONDS, type KeyInfo, type ListedNode, SHIP_TAG, type TailnetControl } from "./types.ts";

type RawKey = {
  id: string;
  key: string;
  reusable: boolean;
  used: boolean;
  expiration: string | null;
  aclTags: string[];
};
type RawNode = {
  id: string;
  name: string;
  givenName: string;
  ipAddresses: string[];
  tags: string[];
  online: boolean;
  lastSeen: string | null;
  createdAt: string | null;
  expiry: string | null;
};

const MINT_ATTEMPTS = 3;

/**
 * A Headscale, by its REST API (docs/facts/tailnet.md#headscale), as measured with 0.28. Its keys are recognised by
 * their tag and by the mark in their expiry (key-marks.ts).
 */
export function headscaleControl({ baseUrl, apiKey }: Extract<TailnetSettings, { kind: "headscale" }>): TailnetControl {
  const http = openTailnetHttp({
    baseUrl,
    headers: { authorization: `Bearer ${apiKey}` },
    judge({ status }) {
      if (status === 401 || status === 403)
        throw new OcaptainError("TAILNET_UNAUTHORIZED", `${new URL(baseUrl).host} refused the API key (${status})`, {
          hint: API_KEY_HINT,
        });
    },
  });
  const json = async <T>(request: HttpRequest): Promise<T> => parsed<T>(await steady(http, request));

  /** The voyage's keys. Headscale 0.28 lists those of all users. */
  const keysOf = async (voyageId: string): Promise<RawKey[]> =>
    (await allKeys()).filter((key) => isOurKey(key) && isMarked(key.expiration ?? "", voyageId));
  const allKeys = shared(
    async () => (await json<{ preAuthKeys: RawKey[] }>({ method: "GET", path: "/api/v1/preauthkey" })).preAuthKeys,
  );

  // A key is not expired before it is deleted: that would overwrite its mark, and if the delete then failed, nobody
  // could tell whose it is.
  const remove = (id: string) => json({ method: "DELETE", path: `/api/v1/preauthkey?id=${encodeURIComponent(id)}` });

  return {
    kind: "headscale",
    loginServer: baseUrl,

    async mintKey(of, tag = SHIP_TAG) {
      for (let attempt = 1; ; attempt++) {
        const expiration = markedExpiry(of, new Date(Date.now() + KEY_LIFETIME_SECONDS * 1000));
        const json = { reusable: false, ephemeral: false, expiration, aclTags: [tag] };
        const lost = await http({ method: "POST", path: "/api/v1/preauthkey", json }).then(
          (reply) => (reply.status < 500 ? parsed<{ preAuthKey: RawKey }>(reply) : reply),
          (error: unknown) => {
            if (error instanceof Unreachable) return error;
            throw error;
          },
        );
        if ("preAuthKey" in lost) return { id: lost.preAuthKey.id, key: lost.preAuthKey.key, expiresAt: expiration };
        // The key may have been made. It is known by its expiry, as no other ship's key has that instant.
        for (const key of await keysOf(of.voyageId)) if (sameInstant(key.expiration, expiration)) await remove(key.id);
        if (attempt === MINT_ATTEMPTS) throw lost instanceof Unreachable ? lost : refused(lost);
        await sleep(attempt * 300);
      }
    },

    async getKey(id) {
      const key = (await allKeys()).find((one) => one.id === id);
      return key ? keyInfo(key) : null;
    },

    listKeys: async (voyageId) => (await keysOf(voyageId)).map(keyInfo),

    async deleteKey(id, voyageId) {
      const key = (await allKeys()).find((one) => one.id === id);
      if (!key || !isOurKey(key)) return;
      // A key that was expired by hand has lost its mark, and is of no use to anybody.
      if (isMarked(key.expiration ?? "", voyageId) || past(key.expiration)) await remove(id);
    },

    async listNodes() {
      return (await json<{ nodes: RawNode[] }>({ method: "GET", path: "/api/v1/node" })).nodes.map(node);
    },

    async deleteNode(id) {
      const reply = await steady(http, { method: "DELETE", path: `/api/v1/node/${encodeURIComponent(id)}` });
      if (reply.status !== 404) parsed(reply);
    },

    async probe() {
      await Promise.all([allKeys(), this.listNodes()]);
    },
  };
}

const OUR_TAGS = [SHIP_TAG, CAPTAIN_TAG];
const isOurKey = (key: RawKey) => !key.reusable && key.aclTags.length === 1 && OUR_TAGS.includes(key.aclTags[0] ?? "");
const sameInstant = (a: string | null, b: string) => a !== null && a.slice(0, 26) === b.slice(0, 26);

const keyInfo = (key: RawKey): KeyInfo => ({
  id: key.id,
  expiresAt: key.expiration ?? "",
  usable: !key.used && !past(key.expiration),
});

const node = (raw: RawNode): ListedNode => ({
  id: raw.id,
  hostname: raw.name,
  name: raw.givenName,
  addresses: raw.ipAddresses,
  tags: raw.tags,
  online: raw.online,
  lastSeen: raw.lastSeen,
  createdAt: raw.createdAt,
  expired: past(raw.expiry),
});

/** Whether an instant is past. Null and the year 1 mean never. */
const past = (instant: string | null) => {
  const ms = instant ? Date.parse(instant) : Number.NaN;
  return ms > 0 && ms <= Date.now();
};

const parsed = <T>(reply: HttpReply): T => jsonOf<T>(reply, "is ocaptain:headscaleUrl that of a Headscale?");
