import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Branch } from "../../helm/branch.ts";
import { systemClock } from "../../helm/clock.ts";
import type { Fleet } from "../../helm/fleet.ts";
import { Ledger } from "../../helm/ledger.ts";
import { shipServer } from "../../helm/ship-server.ts";
import { Store } from "../../helm/store.ts";
import { Voyage } from "../../helm/voyage.ts";
import { voyageFolderAt } from "../../lib/paths.ts";
import type { ClaimReply } from "../../lib/ship-api.ts";
import { makePlan } from "./support.ts";

const RACERS = 16;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ocr-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A repository in which every merge is clean. */
function paperBranch(): Branch {
  let tip = 1;
  const id = (n: number) => n.toString(16).padStart(40, "0");
  return {
    name: "v",
    tip: async () => id(tip),
    merge: async () => ({ kind: "clean", tip: id(tip), commit: id(tip + 1) }),
    move: async () => {
      tip++;
      return true;
    },
    holds: async () => true,
    rescue: async () => null,
    showTip: async () => {},
  };
}

async function openVoyage(id: string, tasks: number, sync: "full" | "off") {
  const ledger = new Ledger(new Store(join(folder, `${id}.sqlite`), { sync }), () => systemClock.wallMs());
  const voyage = new Voyage({ id, ledger, branch: paperBranch(), clock: systemClock, log: () => {}, show: async () => {} });
  await voyage.open();
  const graph = Object.fromEntries(Array.from({ length: tasks }, (_, index) => [String(index + 1), []]));
  await voyage.register({
    stack: "v",
    plan: makePlan(graph),
    hand: "rehearsal",
    timing: { leaseSeconds: 600, heartbeatSeconds: 60 },
  });
  return voyage;
}

test("100 000 claims in process by 16 racers: none is won twice, none is lost", async () => {
  const VOYAGES = 250;
  const TASKS = 400;
  const won = new Map<string, number>();
  let requests = 0;
  for (let number = 0; number < VOYAGES; number++) {
    const voyage = await openVoyage(number.toString(16).padStart(6, "0"), TASKS, "off");
    const race = async (racer: number) => {
      const token = await voyage.registerShip(`ship-${racer}`, `vm-${racer}`);
      for (;;) {
        const caller = voyage.ledger.lifeOfToken(token)!;
        const ask = () => ({ requestId: `request-${++requests}`, incarnation: caller.incarnation });
        const reply = await voyage.claim(caller, ask());
        if (reply.kind === "nothing") {
          if (reply.reason === "done") return;
          continue;
        }
        if (reply.kind !== "grant") throw new Error(reply.kind);
        const { task, epoch } = reply.grant;
        const key = `${voyage.id}/${task.id}/${epoch}`;
        won.set(key, (won.get(key) ?? 0) + 1);
        await voyage.accept(caller, {
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
    voyage.ledger.store.close();
  }
  expect(won.size).toBe(VOYAGES * TASKS);
  expect(Math.max(...won.values())).toBe(1);
}, 180_000);

test("6 000 claims over HTTP by 16 racers, each on disk before its answer: none is won twice, none is lost", async () => {
  const CLAIMS = 6_000;
  const TASKS = 24;
  const voyage = await openVoyage("abc123", TASKS, "full");
  const sailing = { voyage, folder: voyageFolderAt(folder, "v"), close: () => {} };
  const server = shipServer({ open: true, get: () => sailing } as unknown as Fleet, () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });
  const won = new Map<string, number>();
  let claims = 0;
  let requests = 0;

  const race = async (racer: number) => {
    const incarnation = `vm-${racer}`;
    const token = await voyage.registerShip(`ship-${racer}`, incarnation);
    const call = (name: string, body: object) =>
      post(agent, port, name, token, { requestId: `request-${++requests}`, incarnation, ...body });
    while (claims < CLAIMS) {
      claims++;
      const reply = (await call("claim", {})) as ClaimReply;
      if (reply.kind !== "grant") throw new Error(`${TASKS} tasks are enough for ${RACERS}: ${JSON.stringify(reply)}`);
      const { task, epoch } = reply.grant;
      const key = `${task.id}/${epoch}`;
      won.set(key, (won.get(key) ?? 0) + 1);
      await call("release", { task: task.id, epoch, reason: "race", failed: false });
    }
  };
  await Promise.all(Array.from({ length: RACERS }, (_, racer) => race(racer)));
  server.close();
  agent.destroy();

  expect(won.size).toBe(claims);
  expect(Math.max(...won.values())).toBe(1);
  const epochs = voyage.ledger.tasks().reduce((sum, task) => sum + task.epoch, 0);
  expect(epochs).toBe(claims);
  expect(voyage.ledger.counts().pending).toBe(TASKS);
  voyage.ledger.store.close();
}, 120_000);

function post(agent: Agent, port: number, name: string, token: string, body: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const sent = request(
      { agent, port, host: "127.0.0.1", method: "POST", path: `/v1/ship/${name}`, headers, timeout: 20_000 },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          if (response.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`${name}: ${response.statusCode} ${text}`));
        });
      },
    );
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}
