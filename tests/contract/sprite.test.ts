import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openPort } from "./port.ts";
import { failure, resource } from "./resource.ts";

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
/** A read that found it. */
const seenBy = async (outs: Parameters<typeof ship.read>[0]) => {
  const seen = await ship.read(outs);
  if (!seen) throw new Error("gone");
  return seen;
};
afterEach(() => port.sprites.remove(NAME));

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
  await ship.create();
  expect(await port.sprites.list("quay-abc123-")).toEqual([NAME]);
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
