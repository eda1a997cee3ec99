import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FAULTS } from "../../harbor/http/faults.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { until } from "../support/until.ts";
import { connected, openHarbor } from "./fixture.ts";

/** Faults of the vendor as the harbor makes them, and what the product's client makes of each. */

const rules = [{ domain: "*", action: "allow" }];

async function open() {
  const opened = await openHarbor();
  const { url, token } = opened.harbor;
  await opened.create("a", ["ours"]);
  await opened.sh("a", "true");
  return {
    ...opened,
    sprites: await openSprites({ kind: "harbor", baseUrl: url, token }),
    faults: async (...faults: object[]) => {
      expect((await opened.call("POST", "/__harbor/faults", { faults })).status).toBe(204);
    },
    met: async () => (await opened.call("GET", "/__harbor/faults")).json<{ met: object[] }>().met,
  };
}
type Opened = Awaited<ReturnType<typeof open>>;

/** A call of each kind that goes well when no fault is made. */
const calls: Record<string, (harbor: Opened, signal?: AbortSignal) => Promise<{ status: number; text: string }>> = {
  create: ({ call }, signal) => call("POST", "/v1/sprites", { name: `n${Math.random()}`.replace(".", "") }, signal),
  get: ({ call }, signal) => call("GET", "/v1/sprites/a", undefined, signal),
  list: ({ call }, signal) => call("GET", "/v1/sprites", undefined, signal),
  update: ({ call }, signal) => call("PUT", "/v1/sprites/a", { labels: ["ours"] }, signal),
  delete: ({ call }, signal) => call("DELETE", "/v1/sprites/a", undefined, signal),
  exec: ({ call }, signal) => call("POST", "/v1/sprites/a/exec?cmd=true", "", signal),
  sessions: ({ call }, signal) => call("GET", "/v1/sprites/a/exec", undefined, signal),
  fs: ({ call }, signal) => call("PUT", "/v1/sprites/a/fs/write?path=/home/sprite/f", "x", signal),
  policy: ({ call }, signal) => call("POST", "/v1/sprites/a/policy/network", { rules }, signal),
  service: ({ call }, signal) => call("PUT", "/v1/sprites/a/services/s?duration=10ms", { cmd: "sleep", args: ["99"] }, signal),
};

const answers = {
  "rate-limit": { status: 429, text: expect.stringContaining("sprite_creation_rate_limited") },
  "concurrent-limit": { status: 429, text: expect.stringContaining("concurrent_sprite_limit_exceeded") },
  "fails-but-happens": { status: 502, text: expect.stringMatching(/^<html>/) },
  "false-404": { status: 404, text: '{"error":"sprite not found"}' },
  unavailable: { status: 503, text: "service temporarily unavailable, please retry" },
  "bad-gateway": { status: 502, text: expect.stringMatching(/^<html>/) },
} as const;

test.each(Object.entries(answers))("%s, at every call that can have it", async (kind, answer) => {
  const harbor = await open();
  const on = FAULTS[kind as keyof typeof answers].on.filter((call) => call in calls);
  expect(on.length).toBeGreaterThan(1);
  await harbor.faults(...on.map((call) => ({ on: call, kind })));
  for (const call of on) {
    expect(await calls[call]!(harbor), call).toMatchObject(answer);
    if (kind !== "fails-but-happens") expect((await calls[call]!(harbor)).status, `${call} again`).toBeLessThan(300);
    if (call === "delete") await harbor.create("a", ["ours"]);
  }
  expect(await harbor.met()).toMatchObject(on.map((call) => ({ on: call, kind })));
});

test("what fails but happens has happened: an update, a file, a policy, a service, a delete", async () => {
  const harbor = await open();
  const on = ["update", "fs", "policy", "service", "delete"];
  await harbor.faults(...on.map((call) => ({ on: call, kind: "fails-but-happens" })));
  await harbor.call("PUT", "/v1/sprites/a", { labels: ["new"] });
  for (const call of on.slice(1, 4)) await calls[call]!(harbor);
  expect((await harbor.call("GET", "/v1/sprites/a")).json()).toMatchObject({ labels: ["new"] });
  expect((await harbor.sh("a", "cat ~/f")).out).toBe("x");
  expect(await harbor.sprites.networkPolicy("a")).toEqual(rules);
  expect(await harbor.sprites.service("a", "s")).toMatchObject({ status: "running" });
  await calls.delete!(harbor);
  expect((await harbor.call("GET", "/v1/sprites/a")).status).toBe(404);
});

test("a rule waits for its turn and its ship, a fault that a call cannot have is refused, and all are forgotten together", async () => {
  const harbor = await open();
  await harbor.create("b");
  await harbor.faults({ on: "get", kind: "unavailable", name: "b", after: 1, times: 2 });
  const statuses = [];
  for (const name of ["b", "a", "b", "a", "b", "b"]) statuses.push((await harbor.call("GET", `/v1/sprites/${name}`)).status);
  expect(statuses).toEqual([200, 200, 503, 200, 503, 200]);
  expect(await harbor.call("POST", "/__harbor/faults", { faults: [{ on: "get", kind: "says-200" }] })).toMatchObject({
    status: 400,
    text: expect.stringContaining("is of a kind that this call cannot have"),
  });
  await harbor.faults({ on: "get", kind: "unavailable", times: 9 });
  await harbor.call("DELETE", "/__harbor/faults");
  expect((await harbor.call("GET", "/v1/sprites/a")).status).toBe(200);
  expect(await harbor.met()).toEqual([]);
});

test("weather is the same for the same seed, whatever else is called meanwhile, and another for another", async () => {
  const harbor = await open();
  const under = async (seed: number, others: number) => {
    await harbor.call("POST", "/__harbor/weather", { seed, rate: 0.3, kinds: ["unavailable", "bad-gateway", "false-404"] });
    const statuses = [];
    for (let n = 0; n < 40; n++) {
      for (let other = 0; other < others; other++) await harbor.call("GET", "/v1/sprites");
      statuses.push((await harbor.call("GET", "/v1/sprites/a")).status);
    }
    return statuses;
  };
  const first = await under(1, 0);
  expect(await under(1, 1)).toEqual(first);
  expect(await under(2, 0)).not.toEqual(first);
  expect(new Set(first)).toEqual(new Set([200, 503, 502, 404]));
  await harbor.call("POST", "/__harbor/weather", { seed: 1, rate: 0 });
  expect((await harbor.call("GET", "/v1/sprites/a")).status).toBe(200);
});

test("slow: a call and a handshake take as long as the rule says, and are done then; hang: never", async () => {
  const harbor = await open();
  await harbor.faults({ on: "create", kind: "slow", ms: 180_000 }, { on: "socket", kind: "slow" }, { on: "list", kind: "hang" });
  let made: number | undefined;
  void harbor.create("late").then(({ status }) => {
    made = status;
  });
  let opened: string | undefined;
  const socket = connected(harbor.harbor, "a", ["sleep", "9"]).then((exec) => {
    opened = exec.id;
    exec.socket.terminate();
  });
  await until("both are under way", async () => (await harbor.met()).length === 2);
  harbor.clock.advance(14_999);
  await harbor.call("GET", "/v1/sprites/a");
  expect([opened, made, (await harbor.call("GET", "/v1/sprites/late")).status]).toEqual([undefined, undefined, 404]);
  harbor.clock.advance(1);
  await socket;
  harbor.clock.advance(165_000);
  await until("it is made", () => made);
  expect(made).toBe(201);
  await expect(calls.list!(harbor, AbortSignal.timeout(200))).rejects.toThrow(/timeout/);
});

test("a file call may hang while a ship is asleep, which an exec wakes", async () => {
  const harbor = await open();
  await harbor.faults({ on: "fs", kind: "hangs-asleep", times: 9 });
  expect((await calls.fs!(harbor)).status).toBe(200);
  await harbor.sleep("a", "warm");
  await expect(calls.fs!(harbor, AbortSignal.timeout(200))).rejects.toThrow(/timeout/);
  expect(await harbor.settledStatus("a")).toBe("warm");
  await harbor.sprites.exec("a", ["true"]);
  await harbor.sprites.writeFile("a", "/home/sprite/g", Buffer.from("y"), 0o600);
});

test("an exec whose connection drops before its exit mark is no success, though it has run", async () => {
  const harbor = await open();
  await harbor.faults({ on: "exec", kind: "drop" });
  const done = harbor.sprites.exec("a", ["sh", "-c", "echo ran | tee ~/ran"]);
  await expect(done).rejects.toMatchObject({ code: expect.stringMatching(/^(SPRITES_UNREACHABLE|EXEC_CUT)$/) });
  expect((await harbor.sh("a", "cat ~/ran")).out).toBe("ran\n");
});

test("labels that a create forgets are set, and a taken name that is 400 is looked at like 409", async () => {
  const harbor = await open();
  await harbor.faults({ on: "create", kind: "forgets-labels" }, { on: "create", kind: "taken-is-400", times: 2 });
  expect(await harbor.sprites.create("b", ["ours"])).toMatchObject({ labels: ["ours"] });
  expect(await harbor.sprites.get("b")).toMatchObject({ labels: ["ours"] });
  expect(await harbor.sprites.create("b", ["ours"])).toMatchObject({ name: "b" });
  await expect(harbor.sprites.create("b", ["theirs"])).rejects.toMatchObject({ code: "CONFLICT" });
});

test("a service's stream: a failure in a 200 is a failure, and one without an end is not waited for", async () => {
  const harbor = await open();
  const spec = { cmd: "sleep", args: ["99"] };
  await harbor.faults({ on: "service", kind: "error-line" });
  await expect(harbor.sprites.putService("a", "s", spec)).rejects.toMatchObject({
    code: "SERVICE_FAILED",
    message: expect.stringContaining("failed to start process"),
  });
  expect(await harbor.sprites.service("a", "s")).toBeNull();
  await harbor.faults({ on: "service", kind: "endless" });
  expect(await harbor.sprites.putService("a", "s", spec)).toMatchObject({ status: "running" });
  expect((await harbor.met()).at(-1)).toEqual({ on: "service", kind: "endless", name: "a" });
});

test("what passes by itself is passed through by every call that may be made twice", async () => {
  const harbor = await open();
  const { sprites } = harbor;
  const both = ["unavailable", "bad-gateway"];
  const on = ["create", "get", "list", "update", "policy", "fs", "service", "delete"];
  await harbor.faults(...on.flatMap((call) => both.map((kind) => ({ on: call, kind }))));
  expect(await sprites.create("b", ["ours"])).toMatchObject({ labels: ["ours"] });
  expect(await sprites.list("b")).toEqual(["b"]);
  expect(await sprites.setLabels("b", ["new"])).toMatchObject({ labels: ["new"] });
  await sprites.setNetworkPolicy("b", [{ domain: "*", action: "allow" }]);
  await sprites.writeFile("b", "/home/sprite/f", Buffer.from("x"), 0o600);
  await sprites.putService("b", "s", { cmd: "sleep", args: ["99"] });
  await sprites.remove("b");
  expect(await sprites.get("b")).toBeNull();
  expect((await harbor.met()).length).toBe(2 * on.length);
});

test("every kind of fault is in the page's table, with the calls that can have it", () => {
  const page = readFileSync(new URL("../../docs/harbor.md", import.meta.url), "utf8");
  for (const [kind, { on }] of Object.entries(FAULTS)) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${kind}\` |`));
    expect(row, kind).toBeDefined();
    const told = row!.split("|")[2]!.trim();
    const groups = { "every call": 12, "every call but sockets": 10 } as Record<string, number>;
    expect(groups[told] ?? told.split(", ").sort(), kind).toEqual(groups[told] ? on.length : [...on].sort());
  }
});
