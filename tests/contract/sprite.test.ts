import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { openPort } from "../support/voyage/port.ts";
import { failure, resource } from "../support/voyage/resource.ts";

let port: Awaited<ReturnType<typeof openPort>>;
beforeAll(async () => {
  port = await openPort();
});
afterAll(() => port.close());

const NAME = "quay-abc123-ship-0";
const ship = resource("sprite", {
  stack: "quay",
  voyageId: "abc123",
  ship: "ship-0",
  name: NAME,
  provider: "sprites",
  nonce: "mine",
  crewDigest: "one",
});
/** Reads the ship; throws when it is gone. */
const seenBy = async (outs: Parameters<typeof ship.read>[0]) => {
  const seen = await ship.read(outs);
  if (!seen) throw new Error("gone");
  return seen;
};
afterEach(async () => {
  if (!port.live) await port.faults();
  await port.sprites.remove(NAME);
});

test("creating twice, as after a lost answer, makes one", async () => {
  const first = await ship.create();
  expect(first).toMatchObject({ incarnation: expect.any(String), node: expect.stringMatching(/^v\d/), present: true });
  expect((await ship.create()).incarnation).toBe(first.incarnation);
  expect(await port.sprites.list("quay-abc123-")).toEqual([NAME]);
});

test("the crew's files are on it, and nobody else may read them", async () => {
  await ship.create();
  const { stdout } = await port.sprites.exec(NAME, [
    "sh",
    "-c",
    'stat -c "%a" "$HOME/voyage/crew" "$HOME/voyage/crew/supervisor.js"; ls -d "$HOME/.claude/tasks"',
  ]);
  expect(stdout.split("\n").slice(0, 2)).toEqual(["700", "600"]);
});

test("read tells what is there, changes nothing, and wakes nothing", async () => {
  const outs = await ship.create();
  const seen = await seenBy(outs);
  expect(seen).toEqual(outs);
  expect((await ship.diff(seen)).changes).toBe(false);
});

test("deleted behind our back: gone for read, made anew by create, another incarnation", async () => {
  const outs = await ship.create();
  await port.sprites.remove(NAME);
  expect(await ship.read(outs)).toBeNull();
  expect((await ship.create()).incarnation).not.toBe(outs.incarnation);
});

test("re-created behind our back with our labels: read sees another incarnation, and update takes it on", async () => {
  const outs = await ship.create();
  const { labels } = (await port.sprites.get(NAME)) ?? { labels: [] };
  await port.sprites.remove(NAME);
  const other = await port.sprites.create(NAME, labels);
  const seen = await seenBy(outs);
  expect(seen).toMatchObject({ incarnation: other.id, present: false });
  expect((await ship.diff(seen)).changes).toBe(true);
  expect(await ship.update(seen)).toMatchObject({ incarnation: other.id, present: true });
});

test("somebody else's under our name: gone for read, a conflict for create, never deleted", async () => {
  const outs = await ship.create();
  await port.sprites.remove(NAME);
  await port.sprites.create(NAME, ["theirs"]);
  expect(await ship.read(outs)).toBeNull();
  await expect(ship.create()).rejects.toThrow(/is not this voyage's.*theirs/);
  await ship.remove(outs);
  expect(await port.sprites.get(NAME)).not.toBeNull();
});

test("delete is quiet the second time", async () => {
  const outs = await ship.create();
  await ship.remove(outs);
  await ship.remove(outs);
  expect(await port.sprites.get(NAME)).toBeNull();
});

test("other crew files are an update in place: the same VM", async () => {
  const outs = await ship.create();
  const changed = await ship.update(outs, { crewDigest: "two" });
  expect(changed).toMatchObject({ incarnation: outs.incarnation, crewDigest: "two" });
});

test("a wrong token is refused, naming the setting, and never taken for gone", async () => {
  const outs = await ship.create();
  const token = process.env.SPRITE_TOKEN;
  process.env.SPRITE_TOKEN = "another/token";
  try {
    await expect(ship.read(outs)).rejects.toThrow(/refused the token.*spritesToken/s);
  } finally {
    process.env.SPRITE_TOKEN = token;
  }
});

test.each([
  ["a rate limit is waited out", [{ on: "create", kind: "rate-limit", retryAfterSeconds: 0.1 }]],
  ["a create that fails but happened is found", [{ on: "create", kind: "fails-but-happens" }]],
  ["passing weather is passed through", [{ on: "create", kind: "unavailable", times: 2 }]],
])("create: %s", async (_title, faults) => {
  if (port.live) return;
  await port.faults(...faults);
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  await ship.create();
  expect(await port.sprites.list("quay-abc123-")).toEqual([NAME]);
  // Only a wait for the account's own limit is told: it may last for minutes.
  const lines = said.mock.calls.map(([line]) => String(line));
  expect(lines.filter((line) => /the provider makes no more sprites .*; waiting 1 s/.test(line))).toEqual(lines);
  expect(lines.length > 0).toBe(faults.some(({ kind }) => kind === "rate-limit"));
});

test("a false 404 is not believed", async () => {
  const outs = await ship.create();
  if (port.live) return;
  await port.faults({ on: "get", kind: "false-404", times: 2 });
  expect(await ship.read(outs)).toMatchObject({ incarnation: outs.incarnation, present: true });
});

test("the old 500 for a missing sprite counts as gone, other errors never", async () => {
  const outs = await ship.create();
  if (port.live) return;
  await port.faults({ on: "get", kind: "unavailable", times: 20 });
  await expect(ship.read(outs)).rejects.toThrow(/503/);
  await port.faults();
  await port.sprites.remove(NAME);
  await port.faults({ on: "get", kind: "legacy-500", times: 20 });
  expect(await ship.read(outs)).toBeNull();
});

test("the running limit is said at once, not waited for", async () => {
  if (port.live) return;
  await port.faults({ on: "create", kind: "concurrent-limit" });
  await expect(ship.create()).rejects.toThrow(/fewer ships/);
});

test("made but not boarded is recorded, so that destroy and the next up know of it", async () => {
  if (port.live) return;
  await port.faults({ on: "exec", kind: "unavailable", times: 20 });
  expect(await failure(ship.create())).toMatchObject({
    id: NAME,
    properties: { incarnation: expect.any(String), present: false, name: NAME },
    reasons: [expect.stringMatching(/503/)],
  });
});

const REACH = { network: { allow: ["api.anthropic.com", "*.npmjs.org"] } };
const RULES = [
  { domain: "api.anthropic.com", action: "allow" },
  { domain: "*.npmjs.org", action: "allow" },
  { domain: "*", action: "deny" },
];
const rules = () => port.sprites.networkPolicy(NAME);

test("the plan's network policy is set with the VM; another is an update in place, and none lets everything through again", async () => {
  const outs = await ship.create(REACH);
  expect(await rules()).toEqual(RULES);
  expect((await ship.diff(outs, REACH)).changes).toBe(false);
  const none = { network: { allow: [] } };
  expect(await ship.diff(outs, none)).toMatchObject({ changes: true, replaces: [] });
  const closed = await ship.update(outs, none);
  expect(closed).toMatchObject({ incarnation: outs.incarnation, ...none });
  expect(await rules()).toEqual([{ domain: "*", action: "deny" }]);
  expect((await ship.diff(closed)).changes).toBe(true);
  const open = await ship.update(closed);
  expect(open.incarnation).toBe(outs.incarnation);
  expect(open).not.toHaveProperty("network");
  expect(await rules()).toEqual([]);
});

test("a policy that was changed behind our back, or left by an up that was cut off, is put right by the next reconcile; a read does not ask for it, which would wake the ship", async () => {
  const outs = await ship.create(REACH);
  await port.sprites.setNetworkPolicy(NAME, []);
  if (!port.live) await port.faults({ on: "policy", kind: "unavailable", times: 9 });
  expect(await ship.read(outs)).toEqual(outs);
  if (!port.live) await port.faults();
  await ship.update(outs, { ...REACH, crewDigest: "two" });
  expect(await rules()).toEqual(RULES);
  // A create that was killed has recorded nothing of what it had set.
  await ship.create();
  expect(await rules()).toEqual([]);
});

test("a policy that is not kept fails the create, before anything is on the ship; 200 for 204 does not", async () => {
  if (port.live) return;
  // Of the two calls that matter here, the first is the one that reads the policy.
  await port.faults({ on: "policy", kind: "not-kept", times: 2 }, { on: "exec", kind: "unavailable" });
  const partly = await failure(ship.create(REACH));
  expect(partly).toMatchObject({ id: NAME, properties: { present: false, ...REACH } });
  expect(partly.message).toMatch(/was taken, and reads differently: wanted allow \*\.npmjs\.org, .*; it has no rule/);
  await expect(port.sprites.exec(NAME, ["true"]), "no exec has met the fault before this one").rejects.toThrow(/503/);
  await port.faults({ on: "policy", kind: "says-200", times: 2 });
  await ship.update(partly.properties, REACH);
  expect(await rules()).toEqual(RULES);
});

test("the same policy is not set again, which would cut connections", async () => {
  if (port.live) return;
  const outs = await ship.create(REACH);
  // If the policy were set, it would not be kept, and that would be an error.
  await port.faults({ on: "policy", kind: "not-kept", times: 9 });
  await ship.update(outs, { ...REACH, crewDigest: "two" });
  await port.faults();
  expect(await rules()).toEqual(RULES);
});
