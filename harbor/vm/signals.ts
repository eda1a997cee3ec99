import { readFileSync } from "node:fs";

/** Process ids of a process's children, as the kernel lists them; none when it is gone. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/**
 * Sends a signal to a process, or to a process group by its negative number.
 * @returns false for 0 and for what is gone
 */
export function signalQuietly(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return pid !== 0 && process.kill(pid, signal);
  } catch {
    return false;
  }
}
