import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage, ship } from "../support/helm-voyage.ts";

/** These tests are of how much one ship may have under way at the helm. */
const ID = "abc123";
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let token: string;
beforeAll(async () => {
  captain = await makeCaptain();
  const helm = await ensureHelm();
  const { register } = await makeVoyage(makeSource(captain.root), "v", makePlan({ "1": [] }), { timing: { leaseSeconds: 60 } });
  await helm.registerVoyage(ID, register);
  ({ token } = await helm.registerShip(ID, "ship-0", "vm-0"));
});
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

/** Begins a request, of which more may follow; `answer` is what has come back. */
function send(text: string) {
  const socket = connect(Number(new URL(captain.url).port), "127.0.0.1").setEncoding("utf8");
  const sent = { answer: "", closed: false, end: () => socket.destroy() };
  socket.on("data", (data: string) => (sent.answer += data)).on("close", () => (sent.closed = true));
  socket.on("error", () => {});
  socket.write(`${text}\r\nhost: x\r\nauthorization: Bearer ${token}\r\n`);
  socket.write(text.startsWith("POST") ? "content-type: application/json\r\ncontent-length: 1000\r\n\r\n{" : "\r\n");
  return sent;
}

test("more than 32 calls at a time are told to come again, and the ship goes on when they are over", async () => {
  const calls = Array.from({ length: 40 }, () => send("POST /v1/ship/claim HTTP/1.1"));
  const refused = () => calls.filter(({ answer }) => /^HTTP\/1.1 503 [\s\S]*^retry-after: 2\r$/m.test(answer)).length;
  await expect.poll(refused).toBe(8);
  expect(calls.filter(({ answer }) => answer !== "")).toHaveLength(8);
  for (const { end } of calls) end();
  const one = ship(captain.url, token, "vm-0");
  await expect.poll(async () => (await one.raw("heartbeat", { claim: null })).status).toBe(200);
});

test("of its presence streams the newest eight stay open", async () => {
  const streams: ReturnType<typeof send>[] = [];
  for (let n = 0; n < 12; n++) {
    const stream = send("GET /v1/ship/presence HTTP/1.1");
    await expect.poll(() => stream.answer).toContain("ping");
    streams.push(stream);
  }
  await expect.poll(() => streams.map(({ closed }) => closed)).toEqual([...Array(4).fill(true), ...Array(8).fill(false)]);
  for (const { end } of streams) end();
});
