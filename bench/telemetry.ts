/**
 * Measures the intake of telemetry: 1,000 log records a second for a minute, by ten ships, while others claim tasks.
 * `node bench/telemetry.ts [seconds]` prints the p99 of grants without and with it, what was taken, and its memory.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { voyageFolder } from "../lib/base/paths.ts";
import { ensureHelm } from "../lib/daemons/helm.ts";
import { prepareRepo } from "../lib/git/voyage-repo.ts";
import { loadPlan } from "../lib/plan/load.ts";
import { ClaimReply } from "../lib/protocol/ship-claims.ts";
import { AskingShip } from "./ask.ts";
import { writeBusyPlan } from "./busy-plan.ts";
import { openMachine, STACK } from "./machine.ts";
import { percentile } from "./numbers.ts";

const VOYAGE = "be0c41";
const CLAIMING = 20;
const SENDING = 10;
const RECORDS_A_SECOND = 1_000;
const seconds = Number(process.argv[2] ?? 60);

const machine = await openMachine();
const ships: AskingShip[] = [];
try {
  const helm = await ensureHelm();
  const loaded = await loadPlan(await writeBusyPlan(machine.folder, CLAIMING), {});
  if (!("plan" in loaded)) throw new Error("the bench's own plan has findings");
  const folder = voyageFolder(STACK);
  await mkdir(folder.root, { recursive: true });
  await prepareRepo({ folder, repo: join(machine.folder, "repo"), branch: STACK });
  const provider = { kind: "harbor" as const, baseUrl: "http://127.0.0.1:9", token: "none" };
  await helm.registerVoyage(VOYAGE, { stack: STACK, folder: folder.root, plan: loaded.plan, hand: "rehearsal", provider });
  const tokens: string[] = [];
  for (let i = 0; i < CLAIMING + SENDING; i++) {
    const { token } = await helm.registerShip(VOYAGE, `ship-${i}`, `vm-${i}`);
    if (i >= CLAIMING) tokens.push(token);
    else {
      const ship = new AskingShip(token, `vm-${i}`);
      ships.push(ship);
      await ship.board();
    }
  }
  const { port } = await helm.health();
  // Bodies are made before: what this process computes would count as the time of grants.
  const bodies = tokens.map((_, sender) =>
    Array.from({ length: seconds + 2 }, (_, second) => new Uint8Array(gzipSync(JSON.stringify(records(sender, second))))),
  );
  // The telemetry process starts with the first request, and is not measured until it is there.
  for (let status = 0; status !== 200; ) status = await send(port, tokens[0]!, bodies[0]![0]!).catch(() => 0);
  await claims(2);
  const without = await claims(seconds);
  let over = false;
  const statuses = new Map<number, number>();
  const sent = Promise.all(
    tokens.map(async (token, sender) => {
      await sleep((1_000 / SENDING) * sender);
      for (const body of bodies[sender]!.slice(1)) {
        if (over) return;
        const began = performance.now();
        const status = await send(port, token, body);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        await sleep(Math.max(0, 1_000 - (performance.now() - began)));
      }
    }),
  );
  const beside = await claims(seconds);
  over = true;
  await sent;
  const { intake } = await helm.telemetry();
  const peak = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${intake!.pid}/status`, "utf8"))![1];
  const [p99, p99With] = [without, beside].map((times) => percentile(times, 0.99)) as [number, number];
  console.log(`p99 of a grant: ${p99.toFixed(1)} ms without, ${p99With.toFixed(1)} ms with: ${(p99With / p99).toFixed(2)} ×`);
  console.log(`answers by status: ${JSON.stringify(Object.fromEntries(statuses))}`);
  console.log(
    `rows: ${JSON.stringify(intake!.folders[0]!.rows)}, ${intake!.folders[0]!.bytes} bytes; peak memory of the process: ${peak} kB`,
  );
} finally {
  for (const ship of ships) ship.leave();
  await machine.close();
}
process.exit();

/** Sends what one ship has to tell of one second. */
async function send(port: number, token: string, body: Uint8Array<ArrayBuffer>): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/otlp/v1/logs`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "content-encoding": "gzip" },
    body,
  });
  await response.arrayBuffer();
  return response.status;
}

/** Claims and gives back for so many seconds; resolves to the milliseconds of each claim. */
async function claims(during: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + during * 1_000;
  const work = async (ship: AskingShip) => {
    while (performance.now() < end) {
      await sleep(1_000 * Math.random());
      const { reply, ms } = await ship.call("claim");
      const answer = ClaimReply.parse(reply);
      if (answer.kind !== "grant") continue;
      times.push(ms);
      const { task, epoch } = answer.grant;
      await ship.call("release", { task: task.id, epoch, reason: "measured", failed: false });
    }
  };
  await Promise.all(ships.map(work));
  return times;
}

function records(sender: number, second: number): object {
  const attribute = (key: string, value: object) => ({ key, value });
  const logRecords = Array.from({ length: RECORDS_A_SECOND / SENDING }, (_, index) => ({
    timeUnixNano: `${Date.now()}000000`,
    body: { stringValue: "claude_code.api_request" },
    attributes: [
      attribute("session.id", { stringValue: `session-${sender}` }),
      attribute("event.sequence", { intValue: second * 1_000 + index }),
      attribute("model", { stringValue: "a-model" }),
      attribute("cost_usd", { doubleValue: Math.random() }),
      attribute("input_tokens", { intValue: index }),
      attribute("duration_ms", { intValue: index }),
    ],
  }));
  return { resourceLogs: [{ scopeLogs: [{ logRecords }] }] };
}
