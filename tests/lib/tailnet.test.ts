import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reachNode } from "../../dynamic-providers/tailnet-node/captain-peers.ts";
import { MAX_STACK_NAME, spriteName } from "../../lib/base/naming.ts";
import { isMarked, isOfVoyage, keyDescription, MAX_DESCRIPTION, markedExpiry } from "../../lib/tailnet/control/key-marks.ts";
import { listedNode, nodesOfShip } from "../../lib/tailnet/control/nodes.ts";
import { readTailnetSettings } from "../../lib/tailnet/control/settings.ts";
import { type ListedNode, SHIP_TAG, type TailnetControl } from "../../lib/tailnet/control/types.ts";
import type { Captain } from "../../lib/tailnet/node/captain.ts";
import { type Tailscale, TailscaleStatus, tailscaleCli } from "../../lib/tailnet/node/tailscale-cli.ts";

const hex = fc.stringMatching(/^[0-9a-f]{6}$/);
/**
 * Stack names up to the longest; the size is given because fast-check's own sizes stop at about ten characters.
 */
const stack = fc
  .string({ unit: fc.constantFrom(..."abcxyz0189-"), minLength: 1, maxLength: MAX_STACK_NAME, size: "max" })
  .filter((name) => !/^-|-$/.test(name));
const ship = fc.nat({ max: 999 }).map((index) => `ship-${index}`);
const owner = fc.record({ stack, voyageId: hex, ship, incarnation: fc.string({ minLength: 1, maxLength: 80 }) });

describe("whose a key is", () => {
  test("a description is one that Tailscale takes, whatever the names, and is found again by its voyage only", () => {
    fc.assert(
      fc.property(owner, hex, (of, other) => {
        const description = keyDescription(of);
        expect(description.length).toBeLessThanOrEqual(MAX_DESCRIPTION);
        expect(description).toMatch(/^[A-Za-z0-9][A-Za-z0-9 -]*[A-Za-z0-9-]$/);
        expect(isOfVoyage(description, of.voyageId)).toBe(true);
        expect(isOfVoyage(description, other)).toBe(other === of.voyageId);
      }),
    );
  });

  test("descriptions of two ships, two lives or two voyages differ", () => {
    fc.assert(
      fc.property(owner, owner, (one, two) => {
        const same = (["voyageId", "ship", "incarnation"] as const).every((field) => one[field] === two[field]);
        if (!same) expect(keyDescription(one)).not.toBe(keyDescription({ ...two, stack: one.stack }));
        expect(keyDescription(one)).not.toBe(keyDescription({ ...one, incarnation: `${one.incarnation}x` }));
      }),
    );
  });

  test("a ship's host name is a DNS label, whatever the names", () => {
    fc.assert(
      fc.property(owner, (of) => {
        expect(spriteName(of.stack, of.voyageId, of.ship)).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
      }),
    );
  });

  const instant = fc.date({ min: new Date("2026-01-01"), max: new Date("2100-01-01"), noInvalidDate: true });

  test("the mark in an expiry is read again in each form that Headscale tells it in, and a clock's round second has none", () => {
    fc.assert(
      fc.property(owner, instant, (of, at) => {
        const expiry = markedExpiry(of, at);
        // Protobuf's JSON has 0, 3, 6 or 9 digits, the fewest that tell the time.
        const told = expiry.replace(/000Z$/, "Z");
        for (const form of [expiry, told, expiry.replace("Z", "000Z")]) expect(isMarked(form, of.voyageId)).toBe(true);
        expect(isMarked(expiry.replace("Z", "001Z"), of.voyageId)).toBe(false);
        expect(isMarked(at.toISOString().replace(/\.\d+Z/, "Z"), of.voyageId)).toBe(false);
      }),
    );
  });

  test("a marked key lives as long as asked, or up to 5 minutes less, and no two ships' expire at one instant", () => {
    const two = fc.uniqueArray(fc.nat({ max: 299 }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(hex, two, instant, instant, (voyageId, [one, other], at, later) => {
        const expiry = markedExpiry({ voyageId, ship: `ship-${one}` }, at);
        expect(Date.parse(expiry)).toBeLessThan(at.getTime() + 1000);
        expect(Date.parse(expiry)).toBeGreaterThan(at.getTime() - 300_000);
        expect(markedExpiry({ voyageId, ship: `ship-${other}` }, later)).not.toBe(expiry);
      }),
    );
  });
});

describe("which tailnet", () => {
  const secret = "tskey-client-k1-abc";
  const of = (config: object, env = {}) => readTailnetSettings(config, env);

  test("Tailscale by its secret, from the configuration before the environment; its address for tests by the vendor's variable", () => {
    expect(of({ tailscaleOauthSecret: secret }, { OCAPTAIN_TAILSCALE_OAUTH_SECRET: "tskey-client-env-1" }).settings).toEqual({
      kind: "tailscale",
      baseUrl: "https://api.tailscale.com",
      oauthSecret: secret,
    });
    expect(
      of({}, { OCAPTAIN_TAILSCALE_OAUTH_SECRET: `${secret}\n`, TAILSCALE_BASE_URL: "http://127.0.0.1:9/" }).settings,
    ).toEqual({
      kind: "tailscale",
      baseUrl: "http://127.0.0.1:9",
      oauthSecret: secret,
    });
  });

  test("Headscale when its URL is set, also where the environment has a secret of Tailscale's", () => {
    const env = { HEADSCALE_API_KEY: "env-key", OCAPTAIN_TAILSCALE_OAUTH_SECRET: secret };
    const url = { headscaleUrl: "https://hs.example.com/" };
    expect(of(url, env).settings).toEqual({ kind: "headscale", baseUrl: "https://hs.example.com", apiKey: "env-key" });
    expect(of({ ...url, headscaleApiKey: "mine" }, env).settings).toMatchObject({ apiKey: "mine" });
  });

  test.each([
    { why: "no secret at all", config: {}, what: "tailscaleOauthSecret", says: /is missing/ },
    {
      why: "an API key instead of a client's secret",
      config: { tailscaleOauthSecret: "tskey-api-k1-abc" },
      what: "tailscaleOauthSecret",
      says: /not a secret of an OAuth client/,
    },
    { why: "both", config: { headscaleUrl: "http://h", tailscaleOauthSecret: secret }, what: "headscaleUrl", says: /both set/ },
    { why: "a URL without a key", config: { headscaleUrl: "http://h" }, what: "headscaleApiKey", says: /is missing/ },
    { why: "a key without a URL", config: { headscaleApiKey: "k" }, what: "headscaleUrl", says: /is missing/ },
    { why: "no URL", config: { headscaleUrl: "hs.example.com", headscaleApiKey: "k" }, what: "headscaleUrl", says: /no http/ },
    {
      why: "a secret in the URL",
      config: { headscaleUrl: "http://me:pw@h", headscaleApiKey: "k" },
      what: "headscaleUrl",
      says: /without a user/,
    },
  ])("refused: $why", ({ config, what, says }) => {
    const { settings, findings } = of(config);
    expect(settings).toBeNull();
    expect(findings).toEqual([
      { what: `ocaptain:${what}`, message: expect.stringMatching(says), hint: expect.stringMatching(/^pulumi config/) },
    ]);
    expect(JSON.stringify(findings)).not.toMatch(/abc|pw@/);
  });
});

test("without its socket a tailscaled does not answer: tailscale, which would look for it for 5 s, is not asked", async () => {
  expect(await tailscaleCli("/nowhere/tailscaled.sock", "/nowhere/tailscale").status()).toBeNull();
  await expect(tailscaleCli(null, "/nowhere/tailscale").status()).rejects.toThrow("tailscale is not on PATH");
});

test("a ship's machines: of its id or its name, with its name or tag; what has one thing only is somebody else's", () => {
  const node = (id: string, hostname: string, tags: string[]) => ({ id, hostname, tags }) as ListedNode;
  const ours = [
    node("3", "v-ship-0", [SHIP_TAG]),
    node("3", "renamed", [SHIP_TAG]),
    node("3", "v-ship-0", ["tag:other"]),
    node("7", "v-ship-0", [SHIP_TAG]),
  ];
  const others = [node("3", "laptop", []), node("8", "v-ship-0", []), node("9", "v-ship-1", [SHIP_TAG])];
  expect(nodesOfShip([...others, ...ours], "v-ship-0", "3")).toEqual(ours);
  expect(nodesOfShip([node("", "laptop", [])], "v-ship-0", "")).toEqual([]);
});

describe("a ship that has just joined", () => {
  const listed = (id: string): ListedNode => ({
    id,
    hostname: "ship-0",
    name: "ship-0",
    addresses: ["100.64.0.2"],
    tags: [SHIP_TAG],
    online: true,
    lastSeen: null,
    createdAt: null,
    expired: false,
  });

  test("and is listed a moment later: the list is looked at again", async () => {
    const lists = [[listed("1")], [listed("1"), listed("2")]];
    const control = { listNodes: async () => lists.shift() ?? [] } as Partial<TailnetControl> as TailnetControl;
    expect(await listedNode(control, "2", "ship-0")).toMatchObject({ id: "2" });
  });

  test("has no relay that is known yet: a ping is not waited for, for it is most likely lost", async () => {
    const done: string[] = [];
    const look = (Relay?: string) =>
      TailscaleStatus.parse({
        BackendState: "Running",
        Peer: { it: { ID: "2", HostName: "ship-0", TailscaleIPs: ["100.64.0.2"], Online: true, sshHostKeys: ["key"], Relay } },
      });
    const looks = [look(), look(""), look("here"), look("here")];
    const cli = {
      argv: [],
      status: async () => {
        done.push("look");
        return looks.shift() ?? null;
      },
      ping: async (_address: string, waitMs: number, { wireguard = false } = {}) => {
        const what = `${waitMs < 500 ? "short " : ""}ping${wireguard ? " by WireGuard" : ""}`;
        done.push(what);
        // The first handshake is lost.
        return waitMs >= 500 && (!wireguard || done.filter((one) => one === what).length > 1);
      },
    } as Partial<Tailscale> as Tailscale;
    expect(await reachNode({ cli } as Captain, "2", "ship-0", 5_000)).toMatchObject({ ID: "2" });
    const through = ["look", "ping", "ping by WireGuard"];
    expect(done).toEqual(["look", "short ping", "look", "short ping", ...through, ...through]);
  });
});
