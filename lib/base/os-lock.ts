import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { OcaptainError } from "./errors.ts";

export type OsLock = { release(): void };

/**
 * The held locks. They are kept here lest the garbage collector closes one, and so releases it, before its owner does.
 */
const held = new Set<DatabaseSync>();

/**
 * Takes a lock between processes, which the kernel gives back when its holder dies, however it dies: it is an exclusive
 * SQLite transaction on `file`. It excludes a second holder in the same process too. The file stays after the release,
 * and is empty.
 *
 * @param file  The lock's file. It is made when it is missing, and so is its folder (0700).
 * @param options.timeoutMs  How long to wait for another holder. With 0 the lock is tried once.
 * @param options.onWait  A function that is called once, when the lock is found taken and waited for.
 * @throws OcaptainError LOCKED when it is still taken after `timeoutMs`
 */
export async function acquireOsLock(file: string, options: { timeoutMs: number; onWait?: () => void }): Promise<OsLock> {
  const deadline = performance.now() + options.timeoutMs;
  for (let attempt = 0; ; attempt++) {
    // The lock's holder may have moved the folder away.
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const lock = tryLock(file);
    if (lock) return lock;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) throw new OcaptainError("LOCKED", `${file} is held by another process`);
    if (attempt === 0) options.onWait?.();
    await delay(Math.min(leftMs, 10 + attempt * 10, 100));
  }
}

function tryLock(file: string): OsLock | undefined {
  // SQLite does not wait, as that would block the event loop: the caller does.
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  held.add(database);
  return {
    release() {
      if (!held.delete(database)) return;
      database.close();
    },
  };
}

const SQLITE_BUSY = 5;
const isBusy = (error: unknown) => error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
