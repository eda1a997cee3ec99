import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { isInside } from "../../lib/base/no-proxy.ts";

/** A service on loopback, beside a proxy that notes whom it is asked for, and refuses. */
let service: Server;
let proxy: Server;
let asked: string[] = [];
beforeAll(async () => {
  service = createServer((request, response) => response.end(request.url));
  new WebSocketServer({ server: service });
  proxy = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(502).end();
  });
  proxy.on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    socket.end("HTTP/1.1 502 No\r\n\r\n");
  });
  for (const server of [service, proxy]) await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterAll(() => {
  for (const server of [service, proxy]) server.close();
});
beforeEach(() => {
  asked = [];
});

const portOf = (server: Server) => (server.address() as AddressInfo).port;
const ROOT = join(import.meta.dirname, "../..");

/**
 * Runs a program in a process of its own whose environment names the proxy for everything, in every spelling that is
 * known.
 */
async function behindProxy(program: string, more: Record<string, string> = {}): Promise<string> {
  const names = ["http_proxy", "https_proxy", "all_proxy"].flatMap((name) => [name, name.toUpperCase()]);
  const proxies = Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${portOf(proxy)}`]));
  const env = { PATH: process.env.PATH ?? "", NODE_USE_ENV_PROXY: "1", ...proxies, ...more };
  const args = ["--input-type=module", "--disable-warning=ExperimentalWarning", "-e", program];
  return (await execa(process.execPath, args, { cwd: ROOT, env, extendEnv: false, timeout: 30_000 })).stdout;
}

const keep = `import { keepInside } from "${ROOT}/lib/base/no-proxy.ts"; keepInside();`;

test("fetch, web sockets and gRPC go to this machine directly, whatever proxy the environment names, and to the world through it", async () => {
  const url = `http://127.0.0.1:${portOf(service)}`;
  const said = await behindProxy(`${keep}
    import WebSocket from "ws";
    import { createRequire } from "node:module";
    const grpc = createRequire(createRequire("${ROOT}/package.json").resolve("@pulumi/pulumi"))("@grpc/grpc-js");
    console.log(await (await fetch("${url}/loopback")).text());
    const socket = new WebSocket("${url.replace("http", "ws")}");
    await new Promise((open, fail) => socket.on("open", open).on("error", fail));
    socket.terminate();
    const server = new grpc.Server();
    const port = await new Promise((done) => server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (_, bound) => done(bound)));
    const client = new grpc.Client("127.0.0.1:" + port, grpc.credentials.createInsecure());
    await new Promise((done, fail) => client.waitForReady(Date.now() + 10000, (error) => (error ? fail(error) : done())));
    await fetch("http://outside.invalid/").catch(() => {}); // refused by the proxy
    process.exit();`);
  expect(said).toBe("/loopback");
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatch(/^(http:\/\/)?outside\.invalid[:/]/);
});

test("a client of the sprites API on another loopback address goes there directly, too", async () => {
  const said = await behindProxy(
    `import { openSprites } from "${ROOT}/lib/sprites/client.ts";
    const sprites = await openSprites({ kind: "sprites", baseUrl: "http://127.1.2.3:65531", token: "t" });
    console.log(await sprites.list("x").catch((error) => error.message));`,
  );
  expect(said).toMatch(/ECONNREFUSED/); // Nobody listens there.
  expect(asked).toEqual([]);
});

test("git and curl of ours go to this machine directly", async () => {
  const url = `http://127.0.0.1:${portOf(service)}`;
  await behindProxy(`${keep}
    import { gitEnv } from "${ROOT}/lib/git/run.ts";
    import { spawnSync } from "node:child_process";
    spawnSync("git", ["ls-remote", "${url}/x.git"], { env: gitEnv() });`);
  expect(asked).toEqual([]);
});

test("what a person has excepted stays excepted, and a star stays a star", async () => {
  const print = "console.log(process.env.no_proxy);";
  expect(await behindProxy(keep + print, { NO_PROXY: "intranet.example" })).toMatch(/^intranet\.example,localhost,.*100\.64/);
  expect(await behindProxy(keep + print, { no_proxy: "*" })).toBe("*");
});

test.each([
  ["localhost", true],
  ["127.9.9.9", true],
  ["[::1]", true],
  ["100.64.0.1", true],
  ["100.127.255.254", true],
  ["fd7a:115c:a1e0::53", true],
  ["100.128.0.1", false],
  ["10.0.0.1", false],
  ["api.sprites.dev", false],
  ["localhost.example", false],
])("%s is inside: %s", (host, is) => expect(isInside(host)).toBe(is));
