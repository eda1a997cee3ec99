import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { OcaptainError } from "./errors.ts";

export type OsLock = { release(): void };

/** Held locks, so that the garbage collector never closes (and so releases) one that its owner has put aside. */
const held = new Set<DatabaseSync>();

/**
 * A lock between processes that the kernel gives back when its holder dies, however it dies: an exclusive SQLite transaction on `file`.
 * It also excludes a second holder in the same process. The file stays; it is empty.
 *
 * @param file made when missing, with its folder (0700)
 * @param options.timeoutMs how long to wait for another holder; 0 tries once
 * @param options.onWait called once, when the lock is found taken
 * @throws OcaptainError LOCKED when it is still taken after `timeoutMs`
 */
export async function acquireOsLock(file: string, options: { timeoutMs: number; onWait?: () => void }): Promise<OsLock> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const deadline = performance.now() + options.timeoutMs;
  for (let attempt = 0; ; attempt++) {
    const lock = tryLock(file);
    if (lock) return lock;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) throw new OcaptainError("LOCKED", `${file} is held by another process`);
    if (attempt === 0) options.onWait?.();
    await delay(Math.min(leftMs, 10 + attempt * 10, 100));
  }
}

function tryLock(file: string): OsLock | undefined {
  // Waiting happens above: SQLite's own would block the event loop.
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
