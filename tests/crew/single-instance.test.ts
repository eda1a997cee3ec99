import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../support/until.ts";

const MODULE = fileURLToPath(new URL("../../crew/machine/single-instance.ts", import.meta.url));
let folder: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-one-"));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/**
 * The program of a process that asks for the lock of a ship, says what it got, starts a child of its own, and stays.
 */
async function starter(crew = folder, waitSeconds = 1): Promise<{ has: boolean; child: ChildProcess }> {
  const script = `const { lockInstance } = await import(${JSON.stringify(MODULE)});
    console.log(await lockInstance({ crew: ${JSON.stringify(crew)} }, ${waitSeconds}));
    (await import("node:child_process")).spawn("sleep", ["20"], { detached: true, stdio: "ignore" }).unref();
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [said] = await once(child.stdout!, "data", { signal: AbortSignal.timeout(20_000) });
  return { has: String(said).trim() === "true", child };
}

test("of many crews that start at once on a ship one has the lock; killed with SIGKILL, it leaves it free though its children live on", async () => {
  const first = await Promise.all(Array.from({ length: 6 }, () => starter()));
  const holders = first.filter(({ has }) => has);
  expect(holders).toHaveLength(1);
  const [{ child }] = holders as [(typeof holders)[0]];
  child.kill("SIGKILL");
  await once(child, "exit");
  expect((await starter()).has).toBe(true);
});

test("one that is just ending is waited for", async () => {
  const { child } = await starter();
  const second = starter(folder, 20);
  const waits = new RegExp(` -> FLOCK .*:${statSync(join(folder, "lock")).ino} `);
  await until("the second waits for the lock", () => waits.test(readFileSync("/proc/locks", "utf8")));
  child.kill("SIGKILL");
  expect((await second).has).toBe(true);
});

test("the lock is a file of the ship's own: nobody meets it in the network namespace", async () => {
  const { child } = await starter();
  const open = readdirSync(`/proc/${child.pid}/fd`).map((fd) => readlinkSync(`/proc/${child.pid}/fd/${fd}`));
  expect(open).toContain(join(folder, "lock"));
  const sockets = readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const own = sockets.filter(([, , , , , , inode]) => open.includes(`socket:[${inode}]`));
  expect(own.map(([, , , , , , , name]) => name).filter(Boolean)).toEqual([]);
});
