import { readFileSync } from "node:fs";

/** Process ids of a process's children, as the kernel lists them; none when it is gone. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A process's number in its own pid namespace, the innermost; undefined when it is gone. */
export function innerNumber(pid: number): string | undefined {
  try {
    return /^NSpid:.*\s(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  } catch {
    return undefined;
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
