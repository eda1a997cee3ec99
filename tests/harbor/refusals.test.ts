import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { until } from "../support/until.ts";
import { openHarbor } from "./fixture.ts";

test("without the token all is 401, also what does not exist", async () => {
  const { harbor } = await openHarbor();
  for (const path of ["/v1/sprites", "/v1/nothing", "/__harbor/faults", "/"]) {
    for (const authorization of ["", "Bearer wrong", harbor.token]) {
      const reply = await fetch(harbor.url + path, { headers: { authorization } });
      expect([reply.status, await reply.json()]).toEqual([401, { error: "authentication failed" }]);
    }
  }
});

test("what the product never calls is 501, and says what", async () => {
  const { call, create } = await openHarbor();
  await create("a");
  const calls = [
    "GET /v1/sprites/a/services/s/nothing",
    "DELETE /v1/sprites/a/services",
    "POST /v1/sprites/a/checkpoint",
    "GET /v1/sprites/a/policy/privileges",
    "DELETE /v1/sprites",
  ];
  for (const [method, path] of calls.map((text) => text.split(" ") as [string, string])) {
    const reply = await call(method, path);
    expect([reply.status, reply.json()]).toEqual([501, { error: `the harbor does not serve ${method} ${path}` }]);
  }
});

test("a sprite that is not there is 404 everywhere; a URL over 64 KiB is 414", async () => {
  const { call } = await openHarbor();
  for (const path of ["", "/exec", "/fs/read?path=/x"]) expect((await call("GET", `/v1/sprites/none${path}`)).status).toBe(404);
  expect((await call("DELETE", "/v1/sprites/none")).json()).toEqual({ error: "sprite not found" });
  expect((await call("POST", `/v1/sprites/none/exec?cmd=${"x".repeat(65_536)}`)).status).toBe(414);
});

test("a rate limit carries Retry-After, and the call is not done", async () => {
  const { call, create } = await openHarbor();
  await call("POST", "/__harbor/faults", { faults: [{ on: "create", kind: "rate-limit", times: 2, retryAfterSeconds: 7 }] });
  for (let n = 0; n < 2; n++) {
    const reply = await create("a");
    expect([reply.status, reply.headers.get("retry-after")]).toEqual([429, "7"]);
    expect(reply.json()).toMatchObject({ error: "sprite_creation_rate_limited", retry_after_seconds: 7 });
  }
  expect((await create("a")).status).toBe(201);
});

test("a create can fail with a page of HTML and happen all the same", async () => {
  const { call, create } = await openHarbor();
  await call("POST", "/__harbor/faults", { faults: [{ on: "create", kind: "fails-but-happens" }] });
  const reply = await create("a");
  expect([reply.status, reply.headers.get("content-type")]).toEqual([502, "text/html"]);
  expect((await create("a")).status).toBe(409);
  expect((await call("GET", "/v1/sprites/a")).status).toBe(200);
});

test("a false 404, a recorded 500 for what is missing, a hang, an outage: each as often as asked for", async () => {
  const { call, create, sh } = await openHarbor();
  await create("a");
  const faults = (...list: object[]) => call("POST", "/__harbor/faults", { faults: list });
  await faults({ on: "get", name: "a", kind: "false-404" });
  expect((await call("GET", "/v1/sprites/a")).status).toBe(404);
  expect((await call("GET", "/v1/sprites/a")).status).toBe(200);
  await faults({ on: "get", kind: "legacy-500" }, { on: "delete", kind: "legacy-500" });
  expect((await call("GET", "/v1/sprites/none")).json()).toEqual({ error: "failed to retrieve sprite" });
  expect((await call("DELETE", "/v1/sprites/none")).json()).toEqual({ error: "failed to delete sprite" });
  await faults({ on: "get", kind: "hang" });
  await expect(call("GET", "/v1/sprites/a", undefined, AbortSignal.timeout(200))).rejects.toThrow(/timeout/);
  await faults({ on: "exec", kind: "unavailable" });
  expect(await sh("a", "true")).toMatchObject({ status: 503, err: "service temporarily unavailable, please retry" });
  expect(await sh("a", "true")).toMatchObject({ code: 0 });
  expect(await faults({ on: "get", kind: "nonsense" })).toMatchObject({
    status: 400,
    text: expect.stringMatching(/"the body does not fit: faults\[0\]\.kind must be one of [\w, -]+, and is text"/),
  });
  await faults({ on: "get", kind: "false-404", times: 9 });
  await call("DELETE", "/__harbor/faults");
  expect((await call("GET", "/v1/sprites/a")).status).toBe(200);
});

test("a socket can drop without an exit frame", async () => {
  const { call, create, harbor } = await openHarbor();
  await create("a");
  await call("POST", "/__harbor/faults", { faults: [{ on: "socket", kind: "drop" }] });
  const headers = { authorization: `Bearer ${harbor.token}` };
  const socket = new WebSocket(`${harbor.url.replace("http", "ws")}/v1/sprites/a/exec?cmd=sleep&cmd=1`, { headers });
  const frames: number[] = [];
  socket.on("message", (data: Buffer, binary: boolean) => binary && frames.push(data[0]!));
  const code = await new Promise((resolve) => socket.once("close", resolve));
  expect([code, frames]).toEqual([1006, []]);
});

test("the request log has method, path, status and time, and nothing of the query or the token", async () => {
  const { call, create, sh, home, harbor } = await openHarbor();
  await create("a");
  await sh("a", "echo SECRET");
  await call("GET", "/v1/sprites?prefix=SECRET");
  const log = await until("three lines", () => {
    const text = readFileSync(join(home, "requests.jsonl"), "utf8");
    return text.trim().split("\n").length === 3 ? text : undefined;
  });
  expect(log).not.toContain("SECRET");
  expect(log).not.toContain(harbor.token);
  const lines = log
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ method, path, status }) => `${method} ${path} ${status}`).sort()).toEqual([
    "GET /v1/sprites 200",
    "POST /v1/sprites 201",
    "POST /v1/sprites/a/exec 200",
  ]);
  for (const line of lines) expect(line.ms).toBeGreaterThanOrEqual(0);
});
