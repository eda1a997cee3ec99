import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { ThisShip } from "./ship.ts";

/** How long another crew that is just ending is waited for. */
const WAIT_SECONDS = 15;
/** The status that `flock` ends with when the lock stays taken. */
const TAKEN = 1;

/**
 * Takes the lock of this ship for as long as this process lives, so that there is one supervisor a ship: two would hold
 * the same claim and reset each other's tree. Returns false when another process keeps the lock.
 *
 * The lock is the kernel's own (flock), on a file in the ship's home, and is gone with the process, however that ends.
 * Node has no call for it, so the program `flock` takes it on the file that is open here: such a lock belongs to the
 * opened file, which both share, and Node passes it on to no other child. A name in the network namespace (an abstract
 * socket) would not do, since ships of all voyages may share that.
 */
export async function lockInstance({ crew }: Pick<ThisShip, "crew">, waitSeconds = WAIT_SECONDS): Promise<boolean> {
  const file = openSync(join(crew, "lock"), "a", 0o600);
  const status = await new Promise<number | null>((resolve, reject) => {
    const child = spawn("flock", ["--exclusive", "--timeout", String(waitSeconds), "3"], {
      stdio: ["ignore", "ignore", "ignore", file],
    });
    child.once("error", (error) => reject(new Error(`flock (of util-linux) cannot be run on this ship: ${error.message}`)));
    child.once("exit", resolve);
  });
  if (status === 0) return true;
  closeSync(file);
  if (status === TAKEN) return false;
  throw new Error(`the lock of this ship was not taken: flock ended with status ${status}`);
}
