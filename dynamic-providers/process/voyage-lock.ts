import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { acquireOsLock } from "../../lib/base/os-lock.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { refuseForOrphans } from "./engine-end.ts";

/**
 * The longest wait for another process's change of the same voyage: longer than the longest step, a clone of 30
 * minutes.
 */
const LOCK_WAIT_MS = 35 * 60_000;

type Held = { lock: ReturnType<typeof acquireOsLock>; users: number };
const held = new Map<string, Held>();

/**
 * Runs `work` while this process holds the voyage's OS lock, which all resources of one process share. A provider
 * process whose engine was killed goes on for a while, and the next `up` waits for it here
 * (docs/facts/pulumi.md#interruption).
 * @throws OcaptainError LOCKED when another change does not end in time
 */
export async function withVoyageLock<T>(stack: string, work: () => Promise<T>): Promise<T> {
  const entry = held.get(stack) ?? { lock: take(stack), users: 0 };
  held.set(stack, entry);
  entry.users += 1;
  try {
    await entry.lock;
    refuseForOrphans();
    return await work();
  } finally {
    entry.users -= 1;
    if (entry.users === 0) {
      held.delete(stack);
      await entry.lock.then((lock) => lock.release()).catch(() => {}); // a lock that was never taken needs no release
    }
  }
}

async function take(stack: string) {
  const file = voyageFolder(stack).lock;
  // The lock is the first thing made in the captain's folder. No other user may read that folder, for the repository,
  // logs and ledger in it.
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const another = `another change of voyage "${stack}" is under way`;
  return acquireOsLock(file, { timeoutMs: LOCK_WAIT_MS, onWait: () => console.error(`${another}: waiting for it to end`) }).catch(
    (cause) => {
      throw new OcaptainError("LOCKED", `${another}, and did not end in ${LOCK_WAIT_MS / 60_000} minutes`, {
        hint: `pulumi up -s ${stack}  # when it has ended`,
        cause,
      });
    },
  );
}
