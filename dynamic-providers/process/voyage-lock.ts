import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { acquireOsLock } from "../../lib/base/os-lock.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { refuseForOrphans } from "./engine-end.ts";

/** How long a change waits for another process's change of the same voyage to end: longer than the longest step, a clone of 30 minutes. */
const LOCK_WAIT_MS = 35 * 60_000;

type Held = { lock: ReturnType<typeof acquireOsLock>; users: number };
const held = new Map<string, Held>();

/**
 * Runs `work` while this process holds the voyage's OS lock; all resources of one process share it.
 * A provider process orphaned by a SIGKILL of the engine goes on for a while: the next `up` waits for it here (facts: pulumi §6.12).
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
      await entry.lock.then((lock) => lock.release()).catch(() => {}); // a lock that was never had needs no release
    }
  }
}

async function take(stack: string) {
  const file = voyageFolder(stack).lock;
  // The first that is made of the captain's folder, which is nobody else's on this machine: repository, logs and ledger are in it.
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const another = `another change of voyage "${stack}" is under way`;
  return acquireOsLock(file, { timeoutMs: LOCK_WAIT_MS, onWait: () => console.error(`${another}: waiting for it to end`) }).catch(
    (cause) => {
      throw new OcaptainError("LOCKED", `${another}, and did not end in ${LOCK_WAIT_MS / 60_000} minutes`, {
        hint: "pulumi up  # when it has ended",
        cause,
      });
    },
  );
}
