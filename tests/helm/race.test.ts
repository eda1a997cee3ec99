import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { shipServer } from "../../helm/server/ship-server.ts";
import type { Voyages } from "../../helm/voyages.ts";
import { voyageFolderAt } from "../../lib/base/paths.ts";
import type { ClaimReply } from "../../lib/protocol/ship-claims.ts";
import { runs } from "../support/runs.ts";
import { openPaperVoyage, scratchFolder } from "./paper.ts";

const RACERS = 16;

let scratch: ReturnType<typeof scratchFolder>;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

const openVoyage = (id: string, tasks: number, sync: "full" | "off") =>
  openPaperVoyage({
    id,
    sync,
    file: join(scratch.folder, `${id}.sqlite`),
    graph: Object.fromEntries(Array.from({ length: tasks }, (_, index) => [String(index + 1), []])),
    timing: { leaseSeconds: 600, heartbeatSeconds: 60 },
  });

const VOYAGES = runs(20, 4);

test(`${VOYAGES * 400} claims in process by 16 racers: none is won twice, none is lost`, async () => {
  const TASKS = 400;
  const won = new Map<string, number>();
  let requests = 0;
  for (let number = 0; number < VOYAGES; number++) {
    const voyage = await openVoyage(number.toString(16).padStart(6, "0"), TASKS, "off");
    const race = async (racer: number) => {
      const token = await voyage.crews.register(`ship-${racer}`, `vm-${racer}`);
      for (;;) {
        const caller = voyage.ledger.lifeOfToken(token)!;
        const ask = () => ({ requestId: `request-${++requests}`, incarnation: caller.incarnation });
        const reply = await voyage.calls.answer("claim", caller, ask());
        if (reply.kind === "nothing") {
          if (reply.reason === "done") return;
          continue;
        }
        if (reply.kind !== "grant") throw new Error(reply.kind);
        const { task, epoch } = reply.grant;
        const key = `${voyage.id}/${task.id}/${epoch}`;
        won.set(key, (won.get(key) ?? 0) + 1);
        await voyage.calls.answer("accept", caller, {
          ...ask(),
          task: task.id,
          epoch,
          commit: "a".repeat(40),
          summary: "",
          check: null,
          seconds: 0,
        });
      }
    };
    await Promise.all(Array.from({ length: RACERS }, (_, racer) => race(racer)));
    expect(voyage.ledger.counts().accepted).toBe(TASKS);
    voyage.ledger.close();
  }
  expect(won.size).toBe(VOYAGES * TASKS);
  expect(Math.max(...won.values())).toBe(1);
}, 300_000);

test.for([
  { claims: runs(2_000, 500), sync: "full" as const, how: "each on disk before its answer" },
  { claims: runs(6_000, 1_000), sync: "off" as const, how: "without waiting for the disk" },
])(
  "$claims claims over HTTP by 16 racers, $how: none is won twice, none is lost",
  { timeout: 300_000 },
  async ({ claims, sync }) => {
    const TASKS = 24;
    const voyage = await openVoyage("abc123", TASKS, sync);
    const open = { voyage, folder: voyageFolderAt(scratch.folder, "v"), close: () => {} };
    const server = shipServer({ isReady: true, get: () => open } as unknown as Voyages, () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const won = new Map<string, number>();
    let asked = 0;
    let requests = 0;

    const race = async (racer: number) => {
      const incarnation = `vm-${racer}`;
      const token = await voyage.crews.register(`ship-${racer}`, incarnation);
      const caller = voyage.ledger.lifeOfToken(token)!;
      const connection = keepAlive(port, token);
      while (asked < claims) {
        asked++;
        const reply = (await connection.post("claim", { requestId: `request-${++requests}`, incarnation })) as ClaimReply;
        if (reply.kind !== "grant") throw new Error(`${TASKS} tasks are enough for ${RACERS}: ${JSON.stringify(reply)}`);
        const { task, epoch } = reply.grant;
        const key = `${task.id}/${epoch}`;
        won.set(key, (won.get(key) ?? 0) + 1);
        // It is given back without the wire, since the race is for the claims.
        const ask = { requestId: `request-${++requests}`, incarnation, task: task.id, epoch, reason: "race", failed: false };
        await voyage.calls.answer("release", caller, ask);
      }
      connection.end();
    };
    await Promise.all(Array.from({ length: RACERS }, (_, racer) => race(racer)));
    server.close();

    expect(won.size).toBe(claims);
    expect(Math.max(...won.values())).toBe(1);
    const epochs = voyage.ledger.tasks().reduce((sum, task) => sum + task.epoch, 0);
    expect(epochs).toBe(claims);
    expect(voyage.ledger.counts().pending).toBe(TASKS);
    voyage.ledger.close();
  },
);

/**
 * The connection of one racer: plain HTTP/1.1, one request at a time. It costs less than the server, so that the time
 * is the race's.
 */
function keepAlive(port: number, token: string) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let buffer = "";
  let waiting: { resolve: (body: unknown) => void; reject: (error: Error) => void } | undefined;
  const fail = (error: Error) => waiting?.reject(error);
  socket.setEncoding("utf8").setTimeout(60_000, () => fail(new Error("no answer in 60 s")));
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the server closed the connection")));
  socket.on("data", (text: string) => {
    buffer += text;
    const headEnd = buffer.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(buffer)?.[1]);
    const body = buffer.slice(headEnd + 4);
    if (Buffer.byteLength(body) < length) return;
    const ok = buffer.startsWith("HTTP/1.1 200 ");
    buffer = "";
    const { resolve, reject } = waiting!;
    waiting = undefined;
    if (ok) resolve(JSON.parse(body));
    else reject(new Error(body));
  });
  return {
    post: (call: string, body: object) =>
      new Promise<unknown>((resolve, reject) => {
        waiting = { resolve, reject };
        const text = JSON.stringify(body);
        const head = `POST /v1/ship/${call} HTTP/1.1\r\nhost: helm\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json`;
        socket.write(`${head}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
      }),
    end: () => {
      waiting = undefined;
      socket.destroy();
    },
  };
}
