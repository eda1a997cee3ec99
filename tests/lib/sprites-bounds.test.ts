import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test } from "vitest";
import { readAtMost } from "../../lib/base/read-at-most.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { readExecStream } from "../../lib/sprites/exec-stream.ts";

/**
 * Starts a stand-in of a provider that passes on answers of a ship which are not what a command of ours would print.
 */
async function provider(answer: (response: ServerResponse) => void) {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    answer(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  return openSprites({ kind: "sprites", token: "t", baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** Writes until the other end has gone. */
function endless(response: ServerResponse, piece: Buffer): Promise<unknown> {
  const more = () => {
    while (!response.destroyed && response.write(piece));
  };
  response.on("drain", more);
  more();
  return once(response, "close");
}

const MiB = 1024 * 1024;
const held = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;

test("an answer without an end is given up at its bound, by the ship's name, and the connection is closed", async () => {
  let closed: Promise<unknown> | undefined;
  const sprites = await provider((response) => {
    closed = endless(response, Buffer.alloc(65_536, 1));
  });
  await expect(sprites.exec("sea-abc123-ship-0", ["/bin/true"])).rejects.toMatchObject({
    code: "TOO_LONG",
    message: expect.stringMatching(/sea-abc123-ship-0\/exec at [\w.:]+: the answer is longer than 1 MiB/),
  });
  await closed;
  await expect(sprites.list("sea-")).rejects.toMatchObject({ code: "TOO_LONG" });
  await expect(sprites.serviceLogs("sea-abc123-ship-0", "s", 3)).rejects.toMatchObject({ code: "TOO_LONG" });
});

test("half an answer, and one that does not go on, end with an error that names the ship", async () => {
  const half = await provider((response) => response.end(Buffer.from("\x01said so far")));
  await expect(half.exec("ship-0", ["/bin/true"])).rejects.toMatchObject({
    code: "EXEC_CUT",
    message: expect.stringContaining("ship-0"),
  });
  const stuck = await provider((response) => void response.write(Buffer.from("\x01said so far")));
  await expect(stuck.exec("ship-0", ["/bin/true"], { timeoutMs: 300 })).rejects.toMatchObject({
    code: "SPRITES_UNREACHABLE",
    message: expect.stringMatching(/ship-0\/exec.*no answer in 0.3 s/),
  });
  const garbled = await provider((response) => response.end("<html>"));
  await expect(garbled.get("ship-0")).rejects.toMatchObject({ code: "SPRITES_GARBLED" });
});

test("nothing but marks costs nothing but its bytes", () => {
  const body = Buffer.concat([Buffer.alloc(8 * MiB, 1), Buffer.of(3, 7)]);
  const peakMiB = () => process.resourceUsage().maxRSS / 1024;
  const before = peakMiB();
  expect(readExecStream(body)).toEqual({ exitCode: 7, stdout: "", stderr: "" });
  expect(peakMiB() - before).toBeLessThan(200);
});

test("an answer byte by byte costs nothing but its bytes", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  let most = 0;
  async function* pieces() {
    for (let n = 0; n < MiB; n++) yield new Uint8Array(1);
    collect();
    most = held();
  }
  collect();
  const before = held();
  expect(await readAtMost(pieces(), MiB, "x")).toHaveLength(MiB);
  expect(most - before).toBeLessThan(8 * MiB);
  await expect(readAtMost(pieces(), MiB - 1, "x")).rejects.toMatchObject({ code: "TOO_LONG" });
});
