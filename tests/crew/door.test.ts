import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../../lib/base/free-port.ts";

// The helm's door, as a ship runs it, meets a SOCKS5 server of this test that does as it is told. tests/tailnet/ has
// the real one, tailscaled's.
let folder: string;
let door: ChildProcess;
let servers: Server[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "od-"));
});
afterEach(async () => {
  door?.kill();
  for (const server of servers) server.close();
  servers = [];
  await rm(folder, { recursive: true, force: true });
});

async function serve(handle: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, handle).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Starts a server that sends back all that came, when the other side has ended. */
const echo = () => serve((socket) => void socket.on("error", () => {}).pipe(socket));

async function openDoor(config: { captain: string; port: number; socksPort: number | null }): Promise<void> {
  const file = join(folder, "door.json");
  await writeFile(file, JSON.stringify(config));
  door = spawn(process.execPath, [join(import.meta.dirname, "../../crew/tailnet/door.ts"), file], { stdio: "ignore" });
  await expect
    .poll(() =>
      talk(config.port, Buffer.from("")).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
}

/** Sends a text, ends, and reads until the other side has ended too. Rejects when nobody takes the connection. */
function talk(port: number, words: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const heard: Buffer[] = [];
  return new Promise((resolve, reject) => {
    let taken = false;
    socket.on("data", (chunk) => heard.push(chunk));
    socket.once("connect", () => {
      taken = true;
      socket.end(words);
    });
    socket.once("error", (error) => taken || reject(error));
    socket.once("close", () => resolve(Buffer.concat(heard)));
  });
}

test("directly: every byte there and back, and the end of each side is the other's", async () => {
  const far = await echo();
  // The door listens at the port that it connects to, so the captain has another loopback address here.
  const captain = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(connect(far, "127.0.0.1")).pipe(socket));
  servers.push(captain);
  const port = await freePort();
  captain.listen(port, "127.0.0.2");
  await openDoor({ captain: "127.0.0.2", port, socksPort: null });
  const words = randomBytes(3_000_000);
  expect((await talk(port, words)).equals(words)).toBe(true);
});

/**
 * Starts a SOCKS5 server that answers byte by byte, as slow lines do, with `reply`; after a success it goes on as an
 * echo.
 */
const proxy = (reply: number, asked: Buffer[]) =>
  serve((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(Buffer.from([5]));
      setImmediate(() => socket.write(Buffer.from([0])));
      socket.once("data", (request) => {
        asked.push(request);
        for (const byte of [5, reply, 0, 1, 0, 0, 0, 0, 0, 0]) socket.write(Buffer.from([byte]));
        if (reply === 0) socket.pipe(socket);
        else socket.end();
      });
    });
  });

test("by the proxy: the captain's address is asked for, and what is said goes on from there", async () => {
  const asked: Buffer[] = [];
  const port = await freePort();
  await openDoor({ captain: "100.64.0.1", port, socksPort: await proxy(0, asked) });
  const words = randomBytes(1_000_000);
  expect((await talk(port, words)).equals(words)).toBe(true);
  expect(asked.at(-1)).toEqual(Buffer.from([5, 1, 0, 1, 100, 64, 0, 1, port >> 8, port & 255]));
});

test("refused by the proxy: hung up, and the next one is heard", async () => {
  const port = await freePort();
  await openDoor({ captain: "100.64.0.1", port, socksPort: await proxy(5, []) });
  expect(await talk(port, Buffer.from("hello"))).toEqual(Buffer.from(""));
  await writeFile(join(folder, "door.json"), JSON.stringify({ captain: "100.64.0.1", port, socksPort: await proxy(0, []) }));
  expect(await talk(port, Buffer.from("hello"))).toEqual(Buffer.from("hello"));
});
