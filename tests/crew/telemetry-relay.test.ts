import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TelemetryRelay } from "../../crew/helm/telemetry-relay.ts";
import type { ThisShip } from "../../crew/machine/ship.ts";

/** What a ship's relay of telemetry does with what it is brought, whatever the helm answers. */
type Got = { path: string; token: string; claim: string | null; type: string; body: string };
let folder: string;
let got: Got[];
let answer: (response: ServerResponse, nth: number) => void;
let server: ReturnType<typeof createServer>;
let relay: TelemetryRelay;
const token = (text: string) => writeFileSync(join(folder, "token"), `${text}\n`);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ocaptain-relay-"));
  token("first");
  got = [];
  answer = (response) => response.writeHead(200).end("{}");
  server = createServer(async (request: IncomingMessage, response) => {
    const { headers } = request;
    const body = gunzipSync(await buffer(request)).toString();
    const claim = headers["x-ocaptain-claim"];
    got.push({
      path: request.url!,
      token: String(headers.authorization),
      claim: typeof claim === "string" ? claim : null,
      type: String(headers["content-type"]),
      body: body.slice(0, 20),
    });
    answer(response, got.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const helmUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  relay = new TelemetryRelay(() => ({ config: { helmUrl }, tokenFile: join(folder, "token") }) as ThisShip);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
const take = (body: string | Buffer, claim: Parameters<TelemetryRelay["take"]>[0]["claim"] = null, path = "/v1/logs") =>
  relay.take({ path, type: "application/json", body: Buffer.from(body), claim });
const bodies = () => got.map(({ body }) => body);

test("exports go to the helm in their order, with the ship's token, and the claim that they are of", async () => {
  take("one");
  take("two", { task: "a/ü", epoch: 3 }, "/v1/traces");
  expect(await relay.settle(10_000)).toBe(0);
  expect(got).toEqual([
    { path: "/otlp/v1/logs", token: "Bearer first", claim: null, type: "application/json", body: "one" },
    { path: "/otlp/v1/traces", token: "Bearer first", claim: "3 a%2F%C3%BC", type: "application/json", body: "two" },
  ]);
});

test("what the helm does not take yet is sent again, before what came later and with the token that is there by then", async () => {
  answer = (response, nth) => {
    if (nth > 1) return response.writeHead(200).end("{}");
    token("second");
    return response.writeHead(401, { "retry-after": "0.01" }).end();
  };
  take("one");
  take("two");
  expect(await relay.settle(10_000)).toBe(0);
  expect(got.map(({ body, token }) => [body, token])).toEqual([
    ["one", "Bearer first"],
    ["one", "Bearer second"],
    ["two", "Bearer second"],
  ]);
});

test("what the helm will never take is given up, and what comes after it is sent", async () => {
  answer = (response, nth) => response.writeHead(nth === 1 ? 413 : 200).end();
  take("too much");
  take("two");
  expect(await relay.settle(10_000)).toBe(1);
  expect(bodies()).toEqual(["too much", "two"]);
});

test("while the helm is away as many wait as may, by their number and their bytes, and the oldest go", async () => {
  const held: ServerResponse[] = [];
  answer = (response) => held.push(response);
  for (let n = 0; n < 510; n++) take(`export ${n}`);
  // One of 10 MiB fits beside many small ones, and a second does not.
  take(Buffer.alloc(10 * 1024 * 1024, "a"));
  take(Buffer.alloc(10 * 1024 * 1024, "b"));
  await expect.poll(() => held.length).toBe(1);
  answer = (response) => response.writeHead(200).end("{}");
  held[0]!.writeHead(200).end("{}");
  expect(await relay.settle(20_000)).toBe(511);
  expect(bodies()).toEqual(["export 0", "b".repeat(20)]);
});
