import { readFileSync } from "node:fs";

/** Process ids of the children of a process, as the kernel lists them; none when it is gone. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Negative: a process group. 0 and what is gone are left alone; false then. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return pid !== 0 && process.kill(pid, signal);
  } catch {
    return false;
  }
}
