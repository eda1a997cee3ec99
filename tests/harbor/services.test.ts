import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { until } from "../support/until.ts";
import { kinds, openHarbor, processesOf } from "./fixture.ts";

type State = { status: string; pid?: number; restart_count: number; next_restart_at?: string; error?: string };

async function open(options: Parameters<typeof openHarbor>[0]) {
  const opened = await openHarbor(options);
  const { call } = opened;
  await opened.create("a");
  const at = (service: string) => `/v1/sprites/a/services/${service}`;
  const lines = (text: string) =>
    text
      .trim()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { type: string; data?: string });
  return {
    ...opened,
    at,
    lines,
    put: (service: string, script: string, more: object = {}) =>
      call("PUT", `${at(service)}?duration=50ms`, { cmd: "sh", args: ["-c", script], ...more }),
    post: (path: string) => call("POST", at(path)),
    /** The state as the supervisor has it, since a GET would wake the ship. */
    seen: (service: string) => opened.harbor.ships.get("a")!.services.get(service)!.view().state as State,
    logs: async (service: string) =>
      lines((await call("GET", at(`${service}/logs`))).text).flatMap(({ type, data }) => (type.startsWith("std") ? [data] : [])),
  };
}

describe.each(kinds)("services of a $kind ship", ({ unconfined }) => {
  test("one that ends is started again, later each time, and counted; a stopped one is not", async () => {
    const { put, post, seen, clock, sh, settledStatus } = await open({ unconfined });
    await put("s", "echo x >>~/runs; exit 3");
    const runs = async () => (await sh("a", "wc -l <~/runs")).out.trim();
    await until("its end", () => seen("s").status === "failed");
    expect(seen("s")).toMatchObject({ error: "exit status 3", restart_count: 0 });
    for (const [index, waitMs] of [1_000, 2_000, 4_000].entries()) {
      expect(Date.parse(seen("s").next_restart_at!) - clock.now()).toBe(waitMs);
      clock.advance(waitMs - 1);
      expect(await settledStatus("a")).toBe("running");
      expect(seen("s")).toMatchObject({ status: "failed", restart_count: index });
      clock.advance(1);
      await until("its next end", () => seen("s").status === "failed" && seen("s").restart_count === index + 1);
    }
    expect(await runs()).toBe("4");
    expect((await post("s/stop")).status).toBe(200);
    clock.advance(120_000);
    expect(seen("s")).toMatchObject({ status: "stopped" });
    expect(await runs()).toBe("4");
    expect((await post("s/stop")).status).toBe(409);
  });

  test("frozen with its ship and going on as the same process; it keeps no ship awake, and its supervisor waits too", async () => {
    const { put, seen, clock, status, settledStatus, sh } = await open({ unconfined });
    await put("steady", "while :; do date >~/tick; sleep 0.01; done");
    await put("ends", "exit 0");
    await until("its end", () => seen("ends").status === "failed");
    const { pid } = seen("steady");
    clock.advance(29_999);
    await settledStatus("a");
    await until("no restart is under way", () => seen("ends").status === "failed");
    const { restart_count } = seen("ends");
    clock.advance(1);
    await until("warm", async () => (await status("a")) === "warm");
    clock.advance(100_000);
    expect(await settledStatus("a")).toBe("warm");
    expect(seen("ends").restart_count).toBe(restart_count);
    expect((await sh("a", `kill -0 ${pid} && rm ~/tick`)).code).toBe(0);
    expect(seen("steady").pid).toBe(pid);
    await until("it goes on", async () => (await sh("a", "cat ~/tick")).code === 0);
    await until("what fell due is started", () => seen("ends").restart_count === restart_count + 1);
  });

  test("begun again after a cold start and by the next harbor, what it needs first; the stopped one is not", async () => {
    const first = await open({ unconfined });
    await first.put("base", "echo $$ base >>~/order; exec sleep 1000");
    await first.put("top", "echo $$ top >>~/order; exec sleep 1000", { needs: ["base"] });
    await first.put("idle", "echo idle >>~/order; exec sleep 1000");
    await first.post("idle/stop");
    const living = processesOf(first, "a");
    expect(living().length).toBeGreaterThan(1);
    await first.sleep("a", "cold");
    expect(living()).toEqual([]);
    expect((await first.sh("a", "rm ~/order")).code).toBe(0);
    await first.sleep("a", "cold");
    const file = join(first.harbor.ships.get("a")!.folder, "home/order");
    const order = () => (existsSync(file) ? readFileSync(file, "utf8") : "");
    await first.sh("a", "true");
    await until("both", () => ["base", "top"].every((name) => order().includes(name)));
    // The one that was started first has the lower number; which of the two writes first is chance.
    const started = order()
      .trim()
      .split("\n")
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    expect(started.map((line) => line.split(" ")[1])).toEqual(["base", "top"]);
    await first.harbor.close();
    const second = await openHarbor({ unconfined, home: first.home });
    await second.sh("a", "rm ~/order; true");
    const all = second.harbor.ships
      .get("a")!
      .services.list()
      .map((service) => [service.name, service.isUp]);
    expect(all).toEqual([
      ["base", true],
      ["top", true],
      ["idle", false],
    ]);
    expect((await second.call("DELETE", "/v1/sprites/a")).status).toBe(204);
  });

  test("it ends by SIGTERM, or by SIGKILL after the time for that; its command gets nothing from the harbor", async () => {
    const { put, call, at, lines, clock, logs, seen } = await open({ unconfined });
    await put("stubborn", "trap '' TERM; echo ready; while :; do sleep 1000; done");
    await until("it is ready", async () => (await logs("stubborn")).includes("ready"));
    const stopping = call("POST", at("stubborn/stop?timeout=5s"));
    await until("it is told to", () => seen("stubborn").status === "stopping");
    clock.advance(5_000);
    expect(lines((await stopping).text).map(({ type }) => type)).toEqual(["stopping", "exit", "stopped", "complete"]);
    await put("polite", "trap 'echo bye; exit 0' TERM; echo ready; env; while :; do sleep 0.01; done", {
      env: { COLOUR: "blue" },
    });
    await until("it is ready", async () => (await logs("polite")).includes("ready"));
    // The shell adds "Terminated" about its sleep.
    const told = lines((await call("POST", at("polite/stop"))).text).filter(({ type }) => type !== "stderr");
    expect(told).toMatchObject([
      { type: "stopping" },
      { type: "stdout", data: "bye" },
      { type: "exit", exit_code: 0 },
      { type: "stopped" },
      { type: "complete" },
    ]);
    const said = (await logs("polite")).join("\n");
    expect(said).toContain("COLOUR=blue");
    expect(said).not.toContain("OCAPTAIN_HOME");
  });
});

test("the log tells both streams, the last lines first of all, and is a file in the ship", async () => {
  const { put, call, at, sh, lines } = await open({});
  await put("s", "seq 1 1500; echo no >&2; exec sleep 1000");
  await until("all of it", async () => (await sh("a", "tail -n1 /.sprite/logs/services/s.log")).out === "no\n");
  expect(lines((await call("GET", at("s/logs?lines=3"))).text)).toMatchObject([
    { type: "stdout", data: "1499" },
    { type: "stdout", data: "1500" },
    { type: "stderr", data: "no" },
    { type: "complete" },
  ]);
  expect((await sh("a", "head -n1 /.sprite/logs/services/s.log; rm -f /.sprite/logs/services/s.log")).err).toContain("Read-only");
});

test("what cannot be is refused in words, and a delete wants it stopped and needed by none", async () => {
  const { put, call, at, post, harbor } = await open({});
  expect((await call("PUT", at("s"), { args: [] })).text).toContain("cmd");
  expect(await put("s", "x", { needs: ["none"] })).toMatchObject({
    status: 400,
    text: expect.stringContaining("unknown service"),
  });
  expect((await put("-s", "x")).status).toBe(400);
  await put("web", "sleep 1000", { http_port: 8080 });
  expect(await put("web2", "sleep 1000", { http_port: 8081 })).toMatchObject({
    status: 409,
    text: expect.stringContaining("web"),
  });
  await put("top", "sleep 1000", { needs: ["web"] });
  expect((await put("web", "sleep 1000", { needs: ["top"] })).text).toContain("need itself");
  expect((await call("DELETE", at("top"))).status).toBe(409);
  await post("top/stop");
  await post("web/stop");
  expect(await call("DELETE", at("web"))).toMatchObject({ status: 409, text: expect.stringContaining("needs it") });
  for (const name of ["top", "web"]) expect((await call("DELETE", at(name))).status).toBe(204);
  expect((await call("DELETE", at("web"))).status).toBe(404);
  const logs = join(harbor.ships.get("a")!.folder, "logs/services");
  expect(existsSync(join(logs, "web.log"))).toBe(false);
  // A PUT to a service that runs says nothing, and changes nothing until it is stopped.
  await put("s", "echo old; exec sleep 1000");
  expect(await put("s", "echo new; exec sleep 1000")).toMatchObject({ status: 200, text: "" });
});

test("a ship sees the policy that was set for it, in a file; its socket serves holds alone", async () => {
  const { sh, call } = await open({});
  const rules = { rules: [{ domain: "*.example.com", action: "allow" }] };
  await call("POST", "/v1/sprites/a/policy/network", rules);
  expect(JSON.parse((await sh("a", "cat /.sprite/policy/network.json")).out)).toEqual(rules);
  expect((await sh("a", "sprite-env curl -s -o /dev/null -w '%{http_code}' /v1/services")).out).toBe("501");
});

describe("what a ship asks of the harbor of all ships", () => {
  test("services that need each other many ways are walked once each; a circle and too many are refused", async () => {
    const { put, seen, call, at } = await open({ unconfined: true });
    const twice = (n: number) => (n === 0 ? [] : [`s${n - 1}`, `s${n - 1}`]);
    for (let n = 0; n < 40; n++) {
      const definition = { cmd: "sleep", args: ["1000"], needs: twice(n) };
      expect((await call("PUT", `${at(`s${n}`)}?duration=1ms`, definition)).status).toBe(200);
    }
    for (const name of ["s0", "s20", "s39"]) expect(seen(name)).toMatchObject({ status: "running" });
    expect((await put("s0", "exit", { needs: ["s39"] })).status).toBe(400);
    for (let n = 40; n < 64; n++) expect((await put(`s${n}`, "exit")).status).toBe(200);
    expect((await put("one-more", "exit")).status).toBe(400);
    expect((await put("s0", "x".repeat(70_000))).status).toBe(400);
  });

  test("what a service prints without a line's end is cut into lines, and what is kept of it is bounded", async () => {
    const { put, harbor, home } = await open({ unconfined: true });
    await put("s", "head -c 9000000 /dev/zero | tr '\\0' a; sleep 1000");
    const kept = () => harbor.ships.get("a")!.services.get("s")!.log.tail(1000);
    const file = join(home, "s", harbor.ships.get("a")!.record.id.slice(7, 15), "logs/services/s.log.1");
    await until("two files of it", () => existsSync(file));
    await until("its lines", () => kept().length >= 8);
    const lengths = kept().map(({ data = "" }) => data.length);
    expect(Math.max(...lengths)).toBe(64 * 1024);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(512 * 1024);
  });

  test("it has at most 64 holds, of short names; one that ended makes room", async () => {
    const { harbor, sh, clock } = await open({ unconfined: true });
    const hold = async (name: string) =>
      (await sh("a", `sprite-env curl -s -o /dev/null -w '%{http_code}' -X PUT /v1/tasks/${name} -d '{"expire":"60s"}'`)).out;
    expect(await hold("h0")).toBe("200");
    for (let n = 1; n < 64; n++) expect(harbor.ships.get("a")!.holds.put(`h${n}`, 60)).toBeDefined();
    expect(await hold("h64")).toBe("429");
    expect(await hold("h0")).toBe("200");
    expect(await hold("x".repeat(129))).toBe("400");
    clock.advance(61_000);
    expect(await hold("h64")).toBe("200");
  });
});
