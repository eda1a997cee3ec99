import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { recordTailnet } from "../../dynamic-providers/shared/tailnet-control.ts";
import { tailnetControl } from "../../lib/tailnet/control/control.ts";
import { readVoyageIdentity, writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { startStandInTailscale } from "../support/stand-in-tailscale.ts";
import { failure, resource } from "../support/voyage/resource.ts";

/**
 * These tests run the lifecycle against a stand-in of Tailscale's service; tests/tailnet has it with a real Headscale.
 */
let folder: string;
let api: Awaited<ReturnType<typeof startStandInTailscale>>;
let key: ReturnType<typeof resource>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ok-"));
  api = await startStandInTailscale();
  vi.stubEnv("OCAPTAIN_VOYAGES", folder);
  vi.stubEnv("TAILSCALE_BASE_URL", api.url);
  vi.stubEnv("OCAPTAIN_TAILSCALE_OAUTH_SECRET", "");
  key = resource("tailnet-key", inputs, { tailscaleOauthSecret: api.secret });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

const SHIP = "quay-abc123-ship-0";
const inputs = { stack: "quay", voyageId: "abc123", ship: "ship-0", sprite: SHIP, incarnation: "life-1", control: "tailscale" };
const device = (nodeId: string, more: object = {}) => ({
  nodeId,
  id: nodeId,
  hostname: SHIP,
  name: `${SHIP}.tail1234.ts.net`,
  tags: ["tag:ocaptain-ship"],
  keyExpiryDisabled: true,
  ...more,
});

test("made once; the key gone after use, the ship's machine satisfies it; the machine gone too, it is minted anew", async () => {
  const made = await key.create();
  expect(await key.update(made)).toEqual(made);
  expect(await key.read(made)).toEqual(made);
  api.state.keys = []; // The key was used and deleted.
  expect(await key.read(made)).toEqual({ ...made, present: false });
  api.state.devices.push(device("n1CNTRL"));
  expect(await key.read(made)).toEqual(made);
  expect(await key.update(made)).toEqual(made);
  api.state.devices = [];
  const seen = await key.read(made);
  expect((await key.diff(seen!)).changes).toBe(true);
  expect((await key.update(seen!)).keyId).not.toBe(made.keyId);
});

test("an old life's machine does not satisfy the new life's key", async () => {
  api.state.devices.push(device("nOld"));
  const made = await key.create();
  expect(made).toMatchObject({ others: ["nOld"] });
  api.state.keys = [];
  expect(await key.read(made)).toMatchObject({ present: false });
});

test("an answer lost on the way leaves one key, and delete leaves none; quiet the second time", async () => {
  api.state.faults.push({ on: "POST /api/v2/tailnet/-/keys", cut: "after" });
  const made = await key.create();
  expect(api.state.keys.map(({ id }) => id)).toEqual([made.keyId]);
  await key.remove(made);
  await key.remove(made);
  expect(api.state.keys).toEqual([]);
});

test("a scope that lacks fails the create with its name; nothing is recorded, and no secret told", async () => {
  api.state.scope = "devices:core";
  const { message } = await failure(key.create());
  expect(message).toMatch(/lacks the scope auth_keys[\s\S]*hint: /);
  expect(message).not.toMatch(/s3cr3t|t0k3n/);
});

test("a service that does not answer is never taken for a key that is gone", async () => {
  const made = await key.create();
  api.state.faults.push({ on: "*", status: 503, times: 99 });
  await expect(key.read(made)).rejects.toThrow(/503/);
  await expect(key.remove(made)).rejects.toThrow(/503/);
});

test("a secret of another tailnet is refused, by a look and a deletion: there nothing of ours is found, and it would pass for gone", async () => {
  api.state.devices.push(device("nCaptain", { hostname: "captain", name: "captain.tail1234.ts.net", tags: [] }));
  const voyage = { voyageId: "abc123", stack: "quay", captainId: "c", nonce: "n", createdAt: "2026-01-01" };
  await writeVoyageIdentity(voyage);
  const made = await key.create();
  await recordTailnet("quay", tailnetControl({ tailscaleOauthSecret: api.secret }));
  expect(await readVoyageIdentity("quay")).toEqual({ ...voyage, tailnet: "tail1234.ts.net" });
  expect(await key.read(made)).toEqual(made);

  api.state.devices = [device("nOther", { hostname: "other", name: "other.tail9999.ts.net", tags: [] })];
  const refused = /ships are in the tailnet tail1234\.ts\.net, and the OAuth client's secret is of tail9999\.ts\.net/;
  await expect(key.read(made)).rejects.toThrow(refused);
  await expect(key.remove(made)).rejects.toThrow(refused);
  await expect(key.update(made)).rejects.toThrow(refused);
  await writeVoyageIdentity({ ...voyage, tailnet: "tail1234.ts.net", sunkAt: "2026-01-02" });
  expect(await key.read(made)).toEqual(made); // The voyage has sunk, so the next fleet may join any tailnet.
});
