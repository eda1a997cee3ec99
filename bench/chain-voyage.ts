/**
 * One voyage of bench/chain.ts, in a process of its own, because the environment says where a voyage's daemons are.
 * Arguments: `config env tasks`, the first two as JSON. It says "ready", then answers each word with a {@link Change},
 * and destroys the voyage when its parent lets go.
 */
import { constants } from "node:fs";
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spriteFolder } from "../harbor/sprites/sprite-records.ts";
import { harborHome, voyageFolder } from "../lib/base/paths.ts";
import { ensureHarbor } from "../lib/daemons/harbor.ts";
import { helmClient } from "../lib/daemons/helm-client.ts";
import { writePlan, writeRepo } from "../tests/support/plan.ts";
import { openMachine, STACK } from "./machine.ts";
import { voyageStack } from "./stack.ts";

/**
 * Milliseconds from a file's being written on one ship until the captain's task file, and the other ship's copy, say
 * that the work is accepted.
 */
export type Change = { captainMs: number; shipMs: number };

const LONGEST_MS = 60_000;
const QUIET_MS = 400;
const [config = "{}", env = "{}", tasks = "0"] = process.argv.slice(2);
const orders = new AbortController();
process.once("disconnect", () => orders.abort());
// Ctrl-C reaches the whole group: the parent lets go, and then this ends in order.
process.on("SIGINT", () => {});

const machine = await openMachine();
Object.assign(process.env, JSON.parse(env));
try {
  const voyage = await stack();
  try {
    await voyage.up();
    const { home, seen, watcher } = await places();
    process.send!("ready");
    let task = 1;
    const onWord = () =>
      change(String(task++), home, [seen, watcher]).then(
        (measured) => process.send!(measured),
        (error: unknown) => orders.abort(error),
      );
    process.on("message", onWord);
    await new Promise((done) => orders.signal.addEventListener("abort", done, { once: true }));
    if (orders.signal.reason instanceof Error && orders.signal.reason.name !== "AbortError") throw orders.signal.reason;
  } finally {
    await voyage.destroy();
  }
} finally {
  await machine.close();
}
process.exit();

/**
 * Makes a plan of tasks in a row, each of which writes what comes by a pipe in its ship's home, and one for the ship
 * that looks on.
 */
async function stack() {
  const count = Number(tasks);
  const row = Array.from({ length: count }, (_, index) => ({
    id: String(index + 1),
    ...(index > 0 && { after: [String(index)] }),
    run: `[ -p "$HOME/pipe" ] || mkfifo "$HOME/pipe"; cat "$HOME/pipe" > change-${index + 1}`,
  }));
  const lookOn = { id: String(count + 1), run: "sleep 3600", metadata: { timeoutSeconds: 3600 } };
  const folder = join(machine.folder, "s");
  await mkdir(folder);
  const repo = await writeRepo(join(folder, "repo"));
  const plan = await writePlan(join(folder, "plan"), { repo, tasks: [...row, lookOn], ships: 2 });
  await ensureHarbor({ latency: "none" });
  return voyageStack(folder, plan, 2, new AbortController().signal, JSON.parse(config));
}

/**
 * Finds, on this machine's disk, the home of the ship that has the first task, the captain's task files, and the other
 * ship's.
 */
async function places() {
  const file = JSON.parse(await readFile(voyageFolder(STACK).voyageFile, "utf8")) as { voyageId: string };
  const { ships } = await within("both ships at work", async () => {
    const status = await helmClient().voyage(file.voyageId);
    return status.ships.every(({ task }) => task !== null) && status;
  });
  const homeOf = (life: string | null | undefined) => join(spriteFolder(harborHome(), life ?? ""), "home");
  const [first, other] = [ships.find(({ task }) => task === "1"), ships.find(({ task }) => task !== "1")];
  const { tasks: seen, taskList } = voyageFolder(STACK);
  return { home: homeOf(first?.incarnation), seen, watcher: join(homeOf(other?.incarnation), ".claude", "tasks", taskList) };
}

async function change(task: string, home: string, [captain, ship]: [string, string]): Promise<Change> {
  const says = async (folder: string, status: string) => {
    const text = await readFile(join(folder, `${task}.json`), "utf8").catch(() => "");
    return text !== "" && (JSON.parse(text) as Told).metadata.ocaptain?.status === status;
  };
  await within(`task ${task} shown as claimed`, () => says(ship, "claimed"));
  // Without a reader it cannot be opened so: the hand is at work when it can.
  const pipe = await within(`the hand at task ${task}`, () =>
    open(join(home, "pipe"), constants.O_WRONLY | constants.O_NONBLOCK).catch(() => null),
  );
  await sleep(QUIET_MS);
  const started = performance.now();
  await pipe.write(`change ${task}\n`);
  await pipe.close();
  await within(`task ${task} accepted`, () => says(captain, "accepted"));
  const captainMs = performance.now() - started;
  await within(`task ${task} seen on the other ship`, () => says(ship, "accepted"));
  return { captainMs, shipMs: performance.now() - started };
}

type Told = { metadata: { ocaptain?: { status: string } } };

/** Looks each millisecond until `look` finds something. @throws Error after {@link LONGEST_MS} */
async function within<T>(what: string, look: () => Promise<T | null | false>): Promise<T> {
  for (const end = performance.now() + LONGEST_MS; performance.now() < end; await sleep(1)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`${what}: not in ${LONGEST_MS / 1000} s`);
}
