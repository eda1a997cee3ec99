import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { explain } from "../../lib/base/errors.ts";
import { tailnetControl } from "../../lib/tailnet/control/control.ts";
import { headscaleControl } from "../../lib/tailnet/control/headscale.ts";
import { KEY_LIFETIME_SECONDS, SHIP_TAG, type TailnetControl } from "../../lib/tailnet/control/types.ts";
import { BUILD_MS } from "./go-parts.ts";
import { type Headscale, startHeadscale } from "./headscale.ts";
import { joinMachine } from "./machine.ts";

let headscale: Headscale;
let tailnet: TailnetControl;
beforeAll(async () => {
  headscale = await startHeadscale();
  tailnet = tailnetControl(headscale.config);
}, BUILD_MS);
afterAll(() => headscale?.close());

const OWNER = { stack: "quay", voyageId: "abc123", ship: "ship-0", incarnation: "sprite-life-1" };
/** Lists keys by headscale's own command. */
const listed = async () => ((await headscale.cli("preauthkeys", "list")) ?? []) as { id: number; [field: string]: unknown }[];

test("a key: single use, not ephemeral, tagged, short-lived; found again by its voyage, also after a restart", async () => {
  const { id, key, expiresAt } = await tailnet.mintKey(OWNER);
  expect(key).toMatch(/^hskey-auth-/);
  const lifetimeMs = Date.parse(expiresAt) - Date.now();
  expect(lifetimeMs).toBeGreaterThan((KEY_LIFETIME_SECONDS - 320) * 1000);
  expect(lifetimeMs).toBeLessThan((KEY_LIFETIME_SECONDS + 2) * 1000);
  const [row] = await listed();
  expect(row).toMatchObject({ acl_tags: [SHIP_TAG] });
  for (const field of ["reusable", "ephemeral", "used"]) expect(row).not.toHaveProperty(field, true);
  expect(await tailnet.getKey(id)).toEqual({ id, expiresAt, usable: true });
  await headscale.restart();
  expect((await tailnet.listKeys("abc123")).map((one) => one.id)).toEqual([id]);
  expect(await tailnet.listKeys("ffffff")).toEqual([]);
  await tailnet.deleteKey(id, "abc123");
});

test("delete: quiet the second time; another voyage's, and one that somebody else made, stay", async () => {
  const { id } = await tailnet.mintKey(OWNER);
  const theirs = await headscale.cli("preauthkeys", "create", "--tags", SHIP_TAG, "--expiration", "1h");
  await tailnet.deleteKey(id, "ffffff");
  await tailnet.deleteKey(String(theirs.id), "abc123");
  expect((await listed()).map((row) => String(row.id))).toEqual([id, String(theirs.id)]);
  await tailnet.deleteKey(id, "abc123");
  await tailnet.deleteKey(id, "abc123");
  expect((await listed()).map((row) => row.id)).toEqual([theirs.id]);
  await headscale.run("preauthkeys", "delete", "--id", String(theirs.id), "--force");
  expect(await listed()).toEqual([]);
});

test("expired by hand, a key is no longer usable, has lost its mark, and can still be deleted by its id", async () => {
  const { id } = await tailnet.mintKey(OWNER);
  await headscale.run("preauthkeys", "expire", "--id", id, "--force");
  expect(await tailnet.getKey(id)).toMatchObject({ usable: false });
  await tailnet.deleteKey(id, "abc123");
  expect(await tailnet.getKey(id)).toBeNull();
});

test("a machine joins by the key, once; it stays when the key is deleted, is listed whole, and goes when it is deleted", async () => {
  const { id, key } = await tailnet.mintKey(OWNER);
  const machine = await joinMachine(headscale, { hostname: "quay-abc123-ship-0", key });
  onTestFinished(machine.close);
  expect(await tailnet.getKey(id)).toMatchObject({ usable: false });
  await expect(joinMachine(headscale, { hostname: "stowaway", key })).rejects.toThrow(/authkey already used/);
  await tailnet.deleteKey(id, "abc123");
  const [node] = await tailnet.listNodes();
  expect(node).toEqual({
    id: expect.stringMatching(/^\d+$/),
    hostname: "quay-abc123-ship-0",
    name: "quay-abc123-ship-0",
    addresses: [expect.stringMatching(/^100\.64\./), expect.stringMatching(/^fd7a:/)],
    tags: [SHIP_TAG],
    online: true,
    lastSeen: expect.any(String),
    createdAt: expect.any(String),
    expired: false,
  });
  await headscale.run("nodes", "expire", "--identifier", String(node?.id));
  expect(await tailnet.listNodes()).toMatchObject([{ expired: true }]);
  await tailnet.deleteNode(String(node?.id));
  await tailnet.deleteNode(String(node?.id));
  expect(await tailnet.listNodes()).toEqual([]);
});

test("an expired key lets nobody in", async () => {
  const { id, key } = await tailnet.mintKey(OWNER);
  await headscale.run("preauthkeys", "expire", "--id", id, "--force");
  await expect(joinMachine(headscale, { hostname: "late", key })).rejects.toThrow(/authkey expired/);
  await tailnet.deleteKey(id, "abc123");
});

test("a wrong API key is refused, with the setting, and is not told", async () => {
  const wrong = tailnetControl({ ...headscale.config, headscaleApiKey: "hskey-api-s3cr3t" });
  const error = await wrong.probe().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "TAILNET_UNAUTHORIZED", hint: expect.stringContaining("ocaptain:headscaleApiKey") });
  expect(explain(error)).not.toContain("s3cr3t");
  await tailnet.probe();
});

test("what is no headscale is told so; one that is down is unreachable, and answers again when it is up", async () => {
  const page = createServer((_, response) => response.end("<html>hello</html>"));
  await new Promise<void>((done) => page.listen(0, "127.0.0.1", done));
  onTestFinished(() => void page.close());
  const other = headscaleControl({
    kind: "headscale",
    baseUrl: `http://127.0.0.1:${(page.address() as AddressInfo).port}`,
    apiKey: "k",
  });
  await expect(other.probe()).rejects.toThrow(/the answer is not JSON/);
  await headscale.stop();
  await expect(tailnet.listNodes()).rejects.toMatchObject({ code: "TAILNET_UNREACHABLE" });
  await headscale.start();
  await tailnet.listNodes();
});

test("a mint whose answer is lost: found by its own instant and deleted, before another is minted; other ships' stay", async () => {
  const others = await tailnet.mintKey({ ...OWNER, ship: "ship-1" });
  const another = await tailnet.mintKey({ ...OWNER, voyageId: "ffffff" });
  const cut = await losingAnswers(headscale.url, 1);
  onTestFinished(cut.close);
  const { id } = await headscaleControl({ kind: "headscale", baseUrl: cut.url, apiKey: headscale.apiKey }).mintKey(OWNER);
  expect(cut.lost()).toBe(1);
  expect((await tailnet.listKeys("abc123")).map((key) => key.id)).toEqual([others.id, id]);
  for (const key of await tailnet.listKeys("abc123")) await tailnet.deleteKey(key.id, "abc123");
  expect((await listed()).map((row) => String(row.id))).toEqual([another.id]);
});

/** Opens a way to the real headscale that loses the answers to the first mints. */
async function losingAnswers(to: string, mints: number) {
  let lost = 0;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const { method = "GET", headers, url = "" } = request;
    const reply = await fetch(to + url, {
      method,
      headers: { authorization: headers.authorization ?? "" },
      body: body || null,
      signal: AbortSignal.timeout(10_000),
    });
    const text = await reply.text();
    if (method === "POST" && lost < mints) {
      lost += 1;
      request.socket.destroy();
    } else response.writeHead(reply.status).end(text);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lost: () => lost,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
