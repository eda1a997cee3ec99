import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A daemon works in no folder that a person could want to remove or unmount. */
const CWD = "/";
/** Pause between two looks at whether a daemon answers. */
const LOOK_MS = 25;
const MOST_WORDS = 2_000;
const MOST_LINES = 15;

/**
 * A process that was started to outlive this one; `exitCode` is there once it has ended, and is 1 when a signal ended
 * it.
 */
export type DetachedProcess = { pid: number; exitCode: number | undefined; kill(): void };

/**
 * Starts a program as a daemon: in a session of its own, with nothing on its standard input, and with what it prints in
 * `logFile` (0600).
 *
 * @param options.env the whole environment of the daemon
 * @param options.log whether its log begins anew or goes on. @default "new"
 */
export function startDetached(
  command: string,
  args: readonly string[],
  options: { env: Record<string, string>; logFile: string; log?: "new" | "append" },
): DetachedProcess {
  const log = openSync(options.logFile, options.log === "append" ? "a" : "w", 0o600);
  let child: ChildProcess;
  try {
    child = spawn(command, [...args], { detached: true, stdio: ["ignore", log, log], cwd: CWD, env: options.env });
  } finally {
    closeSync(log);
  }
  child.unref();
  const daemon: DetachedProcess = { pid: child.pid ?? 0, exitCode: undefined, kill: () => void child.kill("SIGKILL") };
  child.once("exit", (code) => {
    daemon.exitCode = code ?? 1;
  });
  child.once("error", () => {
    daemon.exitCode = 1;
  });
  return daemon;
}

/**
 * Waits until a daemon answers, and returns the first answer of `look` that is not empty; undefined when the daemon has
 * ended without one, or has given none within `timeoutMs`.
 *
 * @param options.yields the exit status by which the daemon says that another one is there, or about to be, whose
 * answer is as good
 */
export async function waitForWord<T>(
  daemon: Pick<DetachedProcess, "exitCode">,
  look: () => Promise<T | null | undefined | false>,
  options: { timeoutMs: number; yields?: number },
): Promise<T | undefined> {
  const deadline = performance.now() + options.timeoutMs;
  while (performance.now() < deadline) {
    // The end is looked at first: a daemon may answer and end, and what it did before its end counts.
    const { exitCode } = daemon;
    const word = await look();
    if (word) return word;
    if (exitCode !== undefined && exitCode !== options.yields) return undefined;
    await sleep(LOOK_MS);
  }
  return undefined;
}

/** The end of a daemon's log for a message: at most 15 lines and 2,000 characters. */
export function lastWords(logFile: string): string {
  try {
    const text = readFileSync(logFile, "utf8").slice(-MOST_WORDS).trim();
    return text.split("\n").slice(-MOST_LINES).join("\n") || "it said nothing";
  } catch {
    return "there is no log";
  }
}
