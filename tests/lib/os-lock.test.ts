import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { acquireOsLock } from "../../lib/base/os-lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const module_ = new URL("../../lib/base/os-lock.ts", import.meta.url).pathname;

/** A process that takes the lock, says so, and keeps it until it is killed. */
async function holder(file: string) {
  const code = `const { acquireOsLock } = await import(${JSON.stringify(module_)});
    await acquireOsLock(${JSON.stringify(file)}, { timeoutMs: 5000 }); console.log("held"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

test("a second taker in the same process waits until the first gives it back", async () => {
  const file = join(folder, "a", "lock");
  const first = await acquireOsLock(file, { timeoutMs: 0 });
  await expect(acquireOsLock(file, { timeoutMs: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  let waited = 0;
  const second = acquireOsLock(file, { timeoutMs: 5000, onWait: () => waited++ });
  first.release();
  first.release();
  (await second).release();
  expect(waited).toBe(1);
});

test("a lock dies with its process, also by SIGKILL", async () => {
  const file = join(folder, "lock");
  const child = await holder(file);
  await expect(acquireOsLock(file, { timeoutMs: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  child.kill("SIGKILL");
  const lock = await acquireOsLock(file, { timeoutMs: 5000 });
  lock.release();
});
