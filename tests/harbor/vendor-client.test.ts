import { once } from "node:events";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { APIError, ExecError, SpritesClient } from "@fly/sprites";
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../support/until.ts";
import { kinds, openHarbor } from "./fixture.ts";

/**
 * Opens a harbor with the vendor's own client, @fly/sprites 0.1.0, which makes every call that the harbor serves over
 * HTTP and WebSocket.
 */
async function open(options: { unconfined?: boolean } = {}) {
  const opened = await openHarbor(options);
  return { ...opened, client: new SpritesClient(opened.harbor.token, { baseURL: opened.harbor.url }) };
}

describe("sprites", () => {
  test("create, get, update, delete", async () => {
    const { client } = await open();
    const made = await client.createSprite("dinghy", { labels: ["voyage:1"], urlSettings: { auth: "public" } });
    expect(made).toMatchObject({ name: "dinghy", status: "cold", labels: ["voyage:1"] });
    expect(made.id).toMatch(/^sprite-[0-9a-f-]{36}$/);
    expect((await client.getSprite("dinghy")).id).toBe(made.id);
    expect((await client.updateSprite("dinghy", { labels: ["a", "b"] })).labels).toEqual(["a", "b"]);
    await client.updateURLSettings("dinghy", { auth: "sprite" });
    expect(await client.getSprite("dinghy")).toMatchObject({ labels: ["a", "b"], urlSettings: { auth: "sprite" } });
    await client.deleteSprite("dinghy");
    await expect(client.getSprite("dinghy")).rejects.toMatchObject({ statusCode: 404, errorCode: "sprite not found" });
    const again = await client.createSprite("dinghy");
    expect(again.id).not.toBe(made.id);
  });

  test("a taken name is 409, a bad one 400, a wrong token 401", async () => {
    const { client, harbor } = await open();
    await client.createSprite("dinghy");
    await expect(client.createSprite("dinghy")).rejects.toMatchObject({
      statusCode: 409,
      message: expect.stringContaining("already exists"),
    });
    for (const name of ["Dinghy", "", "-a", "a_b", "x".repeat(64)])
      await expect(client.createSprite(name)).rejects.toBeInstanceOf(APIError);
    const stranger = new SpritesClient("wrong", { baseURL: harbor.url });
    await expect(stranger.getSprite("dinghy")).rejects.toMatchObject({ statusCode: 401, errorCode: "authentication failed" });
    await expect(stranger.sprite("dinghy").execFile("true")).rejects.toThrow(/WebSocket/);
  });

  test("a list by prefix, page by page; the last page says has_more too", async () => {
    const { client, call } = await open();
    for (const name of ["a-1", "a-2", "a-3", "b-1"]) await client.createSprite(name);
    const first = await client.listSprites({ prefix: "a-", maxResults: 2 });
    expect(first.sprites.map(({ name }) => name)).toEqual(["a-1", "a-2"]);
    const second = await client.listSprites({ prefix: "a-", maxResults: 2, continuationToken: first.nextContinuationToken! });
    expect(second.sprites.map(({ name }) => name)).toEqual(["a-3"]);
    expect(second.hasMore).toBe(true);
    expect((await client.listAllSprites("a-")).map(({ name }) => name)).toEqual(["a-1", "a-2", "a-3"]);
    const none = (await call("GET", "/v1/sprites?prefix=zzz")).json();
    expect(none).toMatchObject({ sprites: [], has_more: true, next_continuation_token: null, cold: 4, org: { cold: 4 } });
  });
});

describe.each(kinds)("exec, $kind", ({ unconfined }) => {
  test("by WebSocket: output, error output, exit status, stdin, directory, environment", async () => {
    const { client, harbor } = await open({ unconfined });
    const sprite = await client.createSprite("dinghy");
    const expected = unconfined
      ? { user: userInfo().username, home: `${harbor.ships.get("dinghy")!.folder}/home`, node: process.execPath }
      : { user: "sprite", home: "/home/sprite", node: "/.sprite/languages/node/bin/node" };
    expect((await sprite.execFile("sh", ["-c", "id -un; echo $HOME"])).stdout).toBe(`${expected.user}\n${expected.home}\n`);
    expect((await sprite.execFile("pwd", [], { cwd: "~" })).stdout).toBe(`${expected.home}\n`);
    const options = { cwd: "/tmp", env: { COLOUR: "blue = green" } };
    expect((await sprite.execFile("sh", ["-c", "pwd; echo $COLOUR; which node"], options)).stdout).toBe(
      `/tmp\nblue = green\n${expected.node}\n`,
    );
    const failed = await sprite.execFile("sh", ["-c", "echo no >&2; exit 7"]).catch((error: ExecError) => error);
    expect(failed).toMatchObject({ exitCode: 7, stderr: "no\n" });
    const cat = sprite.spawn("cat");
    let out = "";
    cat.stdout.on("data", (data) => {
      out += data;
    });
    cat.on("spawn", () => cat.stdin.end("through stdin"));
    expect(await cat.wait()).toBe(0);
    expect(out).toBe("through stdin");
  });

  test("by WebSocket: a lot of output arrives whole, and a signal ends a command", async () => {
    const { client } = await open({ unconfined });
    const sprite = await client.createSprite("dinghy");
    const { stdout } = await sprite.execFile("seq", ["1", "300000"]);
    expect(stdout).toHaveLength(1_988_895);
    const sleeper = sprite.spawn("sleep", ["1000"]);
    sleeper.on("spawn", () => sleeper.kill("SIGTERM"));
    expect(await sleeper.wait()).toBe(143);
  });

  test("with a terminal: its size, typing, resizing, and the exit by the close code", async () => {
    const { client, clock } = await open({ unconfined });
    const sprite = await client.createSprite("dinghy");
    const shell = sprite.spawn("bash", ["--norc"], { tty: true, cols: 100, rows: 40 });
    let screen = "";
    let told: unknown;
    shell.on("message", (message: { type: string }) => {
      if (message.type === "exit") told = message;
    });
    shell.stdout.on("data", (data) => {
      screen += data;
    });
    shell.on("spawn", () => shell.stdin.write("stty size\n"));
    await until("the size", () => screen.includes("40 100"));
    shell.resize(90, 30);
    shell.stdin.write("stty size; test -t 0 && echo ter''minal; exit 3\n");
    await until("the new size", () => screen.includes("30 90") && screen.includes("terminal"));
    expect(await until("the exit", () => told)).toEqual({ type: "exit", exit_code: 3 });
    clock.advance(4_999);
    expect(shell.exitCode()).toBe(-1);
    clock.advance(1);
    // This client makes only 1000 or another number of a terminal's exit.
    expect(await shell.wait()).toBe(1);
  });

  test("over HTTP: stdin, both streams, exit status, and words that are no shell's", async () => {
    const { client } = await open({ unconfined });
    const sprite = await client.createSprite("dinghy");
    // There is one stream and one write a call, because chunks that arrive together are joined, and this client cannot
    // take them apart.
    const done = await sprite.execFileHTTP("sh", ["-c", 'printf "%s%s\\n" "$(cat)" "$1"', "sh", " a b $HOME ; 'c'"], {
      input: "from stdin",
    });
    expect(done).toEqual({ stdout: "from stdin a b $HOME ; 'c'\n", stderr: "", exitCode: 0 });
    expect(await sprite.execFileHTTP("sh", ["-c", "echo no >&2"])).toEqual({ stdout: "", stderr: "no\n", exitCode: 0 });
    await expect(sprite.execFileHTTP("false", [])).rejects.toBeInstanceOf(ExecError);
    await expect(sprite.execFileHTTP("no-such-command", [])).rejects.toMatchObject({ exitCode: 127 });
  });

  test("sessions: listed while they run, attached with what came before, killed", async () => {
    const { client } = await open({ unconfined });
    const sprite = await client.createSprite("dinghy");
    const first = sprite.createSession("sh", ["-c", "echo before; cat"]);
    await new Promise((resolve) => first.once("spawn", resolve));
    const [session] = await until("a session", async () => {
      const sessions = await sprite.listSessions();
      return sessions.length === 1 ? sessions : undefined;
    });
    expect(session).toMatchObject({ command: "sh -c echo before; cat", tty: true, isActive: true });
    expect(session!.id).toMatch(/^\d{1,7}$/);
    const second = sprite.attachSession(session!.id);
    let seen = "";
    second.stdout.on("data", (data) => {
      seen += data;
    });
    await new Promise((resolve) => second.once("spawn", resolve));
    second.stdin.write("typed\n");
    await until("the echo", () => seen.includes("typed"));
    const stream = await sprite.killSession(session!.id, "SIGKILL", "5s");
    const types: string[] = [];
    await stream.processAll((event) => {
      types.push(event.type);
    });
    expect(types).toEqual(["signal", "exited", "complete"]);
    await expect(sprite.killSession(session!.id)).rejects.toMatchObject({ statusCode: 404 });
  });
});

describe.each(kinds)("files, $kind", ({ unconfined }) => {
  const home = unconfined ? "~" : "/home/sprite";

  test("write, read, list, stat, delete", async () => {
    const { client } = await open({ unconfined });
    const fs = (await client.createSprite("dinghy")).filesystem(home);
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256));
    await fs.writeFile("deep/er/bytes", bytes, { mode: 0o600 });
    expect(bytes.equals(Buffer.from(await fs.readFile("deep/er/bytes")))).toBe(true);
    expect(await fs.readdir("deep")).toEqual(["er"]);
    expect((await fs.stat("deep/er/bytes")).mode).toBe(0o600);
    await fs.rename("deep/er/bytes", "deep/moved");
    await fs.copyFile("deep/moved", "deep/copied");
    await fs.chmod("deep/copied", 0o755);
    expect(await fs.readdir("deep")).toEqual(["copied", "er", "moved"]);
    await fs.rm("deep", { recursive: true });
  });

  test("as live: an empty folder's entries are null, and an absent file has a text but no code", async () => {
    const { client, call } = await open({ unconfined });
    const fs = (await client.createSprite("dinghy")).filesystem(home);
    expect((await call("GET", `/v1/sprites/dinghy/fs/list?path=${home}`)).json()).toEqual({
      path: unconfined ? expect.stringMatching(/\/s\/\w+\/home$/) : home,
      entries: null,
      count: 0,
    });
    await expect(fs.readdir(".")).rejects.toThrow(TypeError);
    await expect(fs.readFile("nope")).rejects.toMatchObject({
      code: "UNKNOWN",
      message: expect.stringContaining("no such file or directory"),
    });
  });
});

describe.each(kinds)("services, proxy and policy, $kind", ({ unconfined }) => {
  test("a service: made, seen, listed, its log, signalled, restarted, stopped, started, deleted", async () => {
    const { client } = await open({ unconfined });
    const sprite = await client.createSprite("dinghy");
    const told = async (stream: Promise<AsyncIterable<{ type: string; data?: string }>>) => {
      const events: string[] = [];
      for await (const { type, data } of await stream) events.push(data === undefined ? type : `${type} ${data}`);
      return events;
    };
    const definition = {
      cmd: "bash",
      args: ["-c", "echo $COLOUR; trap 'echo poked' USR1; while :; do sleep 0.05; done"],
      env: { COLOUR: "blue" },
      needs: [],
      httpPort: 8080,
    };
    const starts = await told(sprite.createService("web", definition, "500ms"));
    expect([starts[0], starts.at(-1)]).toEqual(["started", "complete"]);
    const says = (words: string) =>
      until(words, async () => (await told(sprite.getServiceLogs("web", { lines: 1 }))).includes(`stdout ${words}`));
    await says("blue");
    const service = await sprite.getService("web");
    expect(service).toMatchObject({ ...definition, name: "web", state: { name: "web", status: "running", restartCount: 0 } });
    expect((await sprite.listServices()).map(({ name }) => name)).toEqual(["web"]);
    await sprite.signalService("web", "SIGUSR1");
    await says("poked");
    expect(await told(sprite.restartService("web", "500ms"))).toEqual(expect.arrayContaining(["stopping", "stopped", "started"]));
    expect((await sprite.getService("web")).state!.pid).not.toBe(service.state!.pid);
    await expect(sprite.deleteService("web")).rejects.toThrow(/conflict/);
    expect(await told(sprite.stopService("web", "5s"))).toEqual(
      expect.arrayContaining(["stopping", "exit", "stopped", "complete"]),
    );
    await expect(sprite.stopService("web")).rejects.toThrow(/not running/);
    expect((await sprite.getService("web")).state!.status).toBe("stopped");
    expect(await told(sprite.startService("web", "500ms"))).toContain("started");
    await says("blue");
    await sprite.stopService("web").then((stream) => stream.processAll(() => {}));
    await sprite.deleteService("web");
    await expect(sprite.getService("web")).rejects.toThrow(/not found/);
  });

  test("the proxy: a port of the ship on this machine, both ways, refused where nobody listens, cut by a pause", async () => {
    const { client, sleep, settledStatus, clock, status } = await open({ unconfined });
    const sprite = await client.createSprite("dinghy");
    const serve = "require('net').createServer(s=>s.pipe(s)).listen(0,'127.0.0.1',function(){console.log(this.address().port)})";
    const made = await sprite.createService("echo", { cmd: "node", args: ["-e", serve] }, "50ms");
    await made.processAll(() => {});
    const port = await until("its port", async () => {
      let said = "";
      await (await sprite.getServiceLogs("echo")).processAll(({ type, data }) => {
        if (type === "stdout") said = data!;
      });
      return Number(said);
    });
    const proxied = async (remote: number) => {
      const session = await sprite.proxyPort(0, remote, "127.0.0.1");
      onTestFinished(() => session.close());
      const peer = connect(Number(session.localAddr()!.split(":").pop()), "localhost");
      let heard = "";
      peer.on("data", (data) => {
        heard += data;
      });
      peer.on("error", () => {});
      return { peer, heard: () => heard };
    };
    const big = "x".repeat(300_000);
    const first = await proxied(port);
    first.peer.write(big);
    await until("the echo", () => first.heard() === big);
    clock.advance(29_999);
    first.peer.write("y");
    await until("another echo", () => first.heard() === `${big}y`);
    clock.advance(29_999);
    expect(await settledStatus("dinghy")).toBe("running");
    clock.advance(1);
    await once(first.peer, "close");
    await until("warm: an idle proxy holds nobody awake", async () => (await status("dinghy")) === "warm");
    const second = await proxied(port);
    second.peer.write("awake");
    await until("a new one wakes it", () => second.heard() === "awake");
    const nobody = await proxied(1);
    await once(nobody.peer, "close");
    expect(nobody.heard()).toBe("");
    await Promise.all([once(second.peer, "close"), sleep("dinghy", "cold")]);
  });

  test("the network policy: replaced whole, read back, 204; what is no rule is 400", async () => {
    const { client, call } = await open({ unconfined });
    const sprite = await client.createSprite("dinghy");
    expect(await sprite.getNetworkPolicy()).toEqual({ rules: [] });
    const rules = [
      { include: "defaults" },
      { domain: "*.example.com", action: "allow" as const },
      { domain: "*", action: "deny" as const },
    ];
    await sprite.updateNetworkPolicy({ rules });
    expect(await sprite.getNetworkPolicy()).toEqual({ rules });
    await sprite.updateNetworkPolicy({ rules: [] });
    expect(await sprite.getNetworkPolicy()).toEqual({ rules: [] });
    for (const rule of [
      { domain: "a.b" },
      { domain: "https://a.b", action: "allow" },
      { include: "all" },
      { domain: "*x", action: "deny" },
    ])
      expect((await call("POST", "/v1/sprites/dinghy/policy/network", { rules: [rule] })).status).toBe(400);
    expect((await call("POST", "/v1/sprites/none/policy/network", { rules: [] })).status).toBe(404);
  });
});
