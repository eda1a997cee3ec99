/**
 * Measures what watching costs the grants: with the page open, with 1,000 log records a second by ten ships, and with
 * as many as the intake takes. `node bench/telemetry.ts [seconds]` prints the p99 of grants without and with each, what
 * was taken, and its memory.
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
import { writeVoyageIdentity } from "../lib/voyage/identity.ts";
import { AskingShip } from "./ask.ts";
import { writeBusyPlan } from "./busy-plan.ts";
import { openMachine, STACK } from "./machine.ts";
import { percentile } from "./numbers.ts";
import { whereAndWhen } from "./report.ts";

const VOYAGE = "be0c41";
const CLAIMING = 20;
const SENDING = 10;
const RECORDS_A_SECOND = 1_000;
/** The tasks of the voyage, which the page shows, and from which one is claimed again and again by each ship. */
const TASKS = 1_000;
/** How many requests each ship has under way at the most that is tried: together fewer than the helm refuses for. */
const UNDER_WAY = 3;
const RECORDS_OF_A_REQUEST = 1_000;
/** More than is ever taken. */
const REQUESTS_A_SECOND = 30;
const seconds = Number(process.argv[2] ?? 60);

const machine = await openMachine();
const ships: AskingShip[] = [];
try {
  const helm = await ensureHelm();
  const loaded = await loadPlan(await writeBusyPlan(machine.folder, TASKS), {});
  if (!("plan" in loaded)) throw new Error("the bench's own plan has findings");
  const folder = voyageFolder(STACK);
  await mkdir(folder.root, { recursive: true });
  await prepareRepo({ folder, repo: join(machine.folder, "repo"), branch: STACK });
  const provider = { kind: "harbor" as const, baseUrl: "http://127.0.0.1:9", token: "none" };
  const createdAt = new Date().toISOString();
  await writeVoyageIdentity({ voyageId: VOYAGE, stack: STACK, captainId: "0123456789ab", nonce: "n", createdAt });
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
  const shut = await openPage((await helm.openPage({})).url);
  const watched = await claims(seconds);
  shut();
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
  // No two are the same, since a request that comes again is kept once.
  const large = Array.from({ length: seconds * REQUESTS_A_SECOND }, (_, request) => {
    const text = JSON.stringify(records(request, seconds + request, RECORDS_OF_A_REQUEST));
    return new Uint8Array(gzipSync(text, { level: 1 }));
  });
  const [flooded, most] = await Promise.all([claims(seconds), flood(port, tokens, large)]);
  const { intake } = await helm.telemetry();
  const peak = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${intake!.pid}/status`, "utf8"))![1];
  console.log(JSON.stringify(whereAndWhen([])));
  const p99 = percentile(without, 0.99);
  console.log(`| beside | p99 of a grant | ratio |\n|---|---|---|\n| nothing | ${p99.toFixed(1)} ms | 1.00 × |`);
  const row = (what: string, times: number[]) => {
    const now = percentile(times, 0.99);
    console.log(`| ${what} | ${now.toFixed(1)} ms | ${(now / p99).toFixed(2)} × |`);
  };
  row("the page, open", watched);
  row("1,000 log records a second", beside);
  row("as many log records as are taken", flooded);
  console.log(`answers by status, at 1,000 a second: ${JSON.stringify(Object.fromEntries(statuses))}`);
  console.log(`at its most: ${JSON.stringify(most)}`);
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

/** Sends as fast as is answered, for as long as all else is measured; what is refused is sent again a little later. */
async function flood(port: number, tokens: readonly string[], bodies: Uint8Array<ArrayBuffer>[]) {
  const began = performance.now();
  let [taken, refused] = [0, 0];
  let refusedAfter: number | null = null;
  const elapsed = () => (performance.now() - began) / 1_000;
  const work = async (token: string) => {
    for (let body = bodies.pop(); body && elapsed() < seconds; ) {
      if ((await send(port, token, body)) === 200) {
        taken += RECORDS_OF_A_REQUEST;
        body = bodies.pop();
      } else {
        refused++;
        refusedAfter ??= elapsed();
        await sleep(100);
      }
    }
  };
  await Promise.all(tokens.flatMap((token) => Array.from({ length: UNDER_WAY }, () => work(token))));
  return { takenASecond: Math.round(taken / elapsed()), refused, refusedAfter };
}

/** Opens the page as a browser does, and reads its stream until the function that is returned is called. */
async function openPage(url: string): Promise<() => void> {
  const entered = await fetch(url, { redirect: "manual" });
  const cookie = entered.headers.get("set-cookie")!.split(";")[0]!;
  const end = new AbortController();
  const stream = await fetch(new URL(`/api/stream?voyages=${VOYAGE}`, url), { headers: { cookie }, signal: end.signal });
  void stream.body!.pipeTo(new WritableStream()).catch(() => {});
  return () => end.abort();
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

function records(sender: number, second: number, count = RECORDS_A_SECOND / SENDING): object {
  const attribute = (key: string, value: object) => ({ key, value });
  const logRecords = Array.from({ length: count }, (_, index) => ({
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
