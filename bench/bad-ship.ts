/**
 * `node bench/bad-ship.ts [seconds]` measures what one ship that means harm costs the helm, beside a healthy one:
 * memory, processor time (its git's too), and how long another ship's heartbeat takes meanwhile. The helm is real; the
 * provider, which only passes on what a ship answers, is a stand-in. Runs on Linux alone, as it reads /proc.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { voyageFolder } from "../lib/base/paths.ts";
import { ensureHelm } from "../lib/daemons/helm.ts";
import { prepareRepo } from "../lib/git/voyage-repo.ts";
import { loadPlan } from "../lib/plan/load.ts";
import { AskingShip } from "./ask.ts";
import { writeBusyPlan } from "./busy-plan.ts";
import { openMachine, STACK } from "./machine.ts";
import { percentile } from "./numbers.ts";
import { whereAndWhen } from "./report.ts";

const VOYAGE = "be0c41";
const seconds = Number(process.argv[2] ?? 15);
const say = (text: string) => process.stderr.write(`${text}\n`);

type Ship = { asking: AskingShip; token: string };
type Measured = { rssMiB: number; cpuMs: number; gits: number; p99Ms: number };

let wakeUps = 0;
const machine = await openMachine();
const provider = createServer(answerAsProvider).listen(0, "127.0.0.1");
await once(provider, "listening");
try {
  const { pid, bad, good } = await sail();
  await measure(pid, good, 2, beat(bad.asking)); // what it loads when it is first used
  const healthy = await measure(pid, good, seconds, beat(bad.asking));
  const rows = [row("heartbeats only (a healthy ship)", healthy, healthy)];
  const ways: [string, (ended: AbortSignal) => Promise<void>][] = [
    ["150 transfers of git that do not end", transfers(bad)],
    ["64 accepts of its task at a time, again and again", calls(bad)],
    ["says nothing, and answers each wake-up without end", (ended) => once(ended, "abort").then(() => {})],
  ];
  for (const [what, way] of ways) {
    say(what);
    rows.push(row(what, await measure(pid, good, seconds, way), healthy));
  }
  say(`${wakeUps} wake-ups were answered so`);
  console.log(JSON.stringify({ ...whereAndWhen([]), command: `node bench/bad-ship.ts ${seconds}` }));
  console.log(
    [
      "| one ship does this | memory | processor time | git processes | another's heartbeat, p99 |",
      "|---|---|---|---|---|",
      ...rows,
    ].join("\n"),
  );
} finally {
  provider.closeAllConnections();
  provider.close();
  await machine.close();
}
process.exit();

/** Registers a voyage of two tasks at a real helm, each held by a ship. */
async function sail(): Promise<{ pid: number; bad: Ship; good: Ship }> {
  const helm = await ensureHelm();
  const loaded = await loadPlan(await writeBusyPlan(machine.folder, 2), {});
  if (!("plan" in loaded)) throw new Error("the bench's own plan has findings");
  const folder = voyageFolder(STACK);
  await mkdir(folder.root, { recursive: true });
  await prepareRepo({ folder, repo: join(machine.folder, "repo"), branch: STACK });
  const baseUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  await helm.registerVoyage(VOYAGE, {
    stack: STACK,
    folder: folder.root,
    plan: loaded.plan,
    hand: "rehearsal",
    provider: { kind: "sprites", baseUrl, token: "none" },
    // So that a silent ship is woken at once, and not fenced while it is looked at.
    timing: { leaseSeconds: 3600, heartbeatSeconds: 0.5, fenceSeconds: 3500, lingerSeconds: 60 },
  });
  const board = async (name: string): Promise<Ship> => {
    const { token } = await helm.registerShip(VOYAGE, name, `vm-${name}`);
    const asking = new AskingShip(token, `vm-${name}`);
    await asking.call("hello", { pid: 1, node: "24", git: "2" });
    await asking.call("claim");
    return { asking, token };
  };
  return { bad: await board("ship-0"), good: await board("ship-1"), pid: (await helm.health()).pid };
}

/** Answers an exec as a ship does that never ends: marks of a stream, for ever. */
function answerAsProvider({ method, url = "" }: { method?: string; url?: string }, response: ServerResponse): void {
  if (method === "GET") {
    const name = url.split("/")[3] ?? "";
    const ship = /ship-\d+$/.exec(name)?.[0];
    return void response.end(JSON.stringify({ id: `vm-${ship}`, name, status: "running", url: "", labels: [] }));
  }
  wakeUps++;
  response.writeHead(200);
  const piece = Buffer.alloc(65_536, 1);
  const more = () => {
    while (!response.destroyed && response.write(piece));
  };
  response.on("drain", more).on("error", () => {});
  more();
}

function beat(ship: AskingShip) {
  return async (ended: AbortSignal): Promise<void> => {
    for (; !ended.aborted; await delay(250)) await ship.call("heartbeat", { claim: null });
  };
}

function transfers({ token }: Ship) {
  return async (ended: AbortSignal): Promise<void> => {
    const sockets = Array.from({ length: 150 }, () => {
      const socket = connect(Number(process.env.OCAPTAIN_HELM_PORT), "127.0.0.1").on("error", () => {});
      socket.write(
        `POST /git/${VOYAGE}/git-upload-pack HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/x-git-upload-pack-request\r\ntransfer-encoding: chunked\r\n\r\n1\r\n0\r\n`,
      );
      return socket.resume();
    });
    await once(ended, "abort");
    for (const socket of sockets) socket.destroy();
  };
}

/** Calls accept with a commit that was not pushed, again and again: each is looked for in the repository. */
function calls({ token }: Ship) {
  const one = async (ended: AbortSignal) => {
    const ship = new AskingShip(token, "vm-ship-0");
    const accept = { task: "1", epoch: 1, commit: "1".repeat(40), summary: "x".repeat(4000), check: null, seconds: 1 };
    while (!ended.aborted) await ship.call("accept", accept).catch(() => delay(10));
    ship.leave();
  };
  return async (ended: AbortSignal): Promise<void> => void (await Promise.all(Array.from({ length: 64 }, () => one(ended))));
}

/** Measures the helm while the one ship does harm and the other is healthy. */
async function measure(
  pid: number,
  good: Ship,
  forSeconds: number,
  way: (ended: AbortSignal) => Promise<void>,
): Promise<Measured> {
  const ended = new AbortController();
  const doing = way(ended.signal);
  const beats: number[] = [];
  let [rssMiB, gits] = [0, 0];
  const began = cpuMsOf(pid);
  for (const until = performance.now() + forSeconds * 1000; performance.now() < until; await delay(100)) {
    beats.push((await good.asking.call("heartbeat", { claim: null })).ms);
    rssMiB = Math.max(rssMiB, Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024);
    gits = Math.max(gits, childrenOf(pid));
  }
  const cpuMs = cpuMsOf(pid) - began;
  ended.abort();
  await doing;
  return { rssMiB, cpuMs, gits, p99Ms: percentile(beats, 0.99) };
}

/**
 * The processor time of a process and of its children that have ended. /proc counts in ticks, hundredths of a second.
 */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
}

/** How many children a process has, with theirs: git starts further ones. */
function childrenOf(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
    return children.reduce((sum, child) => sum + 1 + childrenOf(Number(child)), 0);
  } catch {
    return 0;
  }
}

function row(what: string, { rssMiB, cpuMs, gits, p99Ms }: Measured, healthy: Measured): string {
  const ratio = (value: number, than: number) => (than > 0 ? ` (${(value / than).toFixed(1)} ×)` : "");
  const share = (ms: number) => `${((100 * ms) / (seconds * 1000)).toFixed(1)} % of a core`;
  return `| ${what} | ${Math.round(rssMiB)} MiB${ratio(rssMiB, healthy.rssMiB)} | ${share(cpuMs)}${ratio(cpuMs, healthy.cpuMs)} | ${gits} | ${p99Ms.toFixed(1)} ms${ratio(p99Ms, healthy.p99Ms)} |`;
}
