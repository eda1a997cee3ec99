import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";

/** The time between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;
const TAIL_BYTES = 2000;

export type Step = {
  run: string;
  timeoutSeconds: number;
  cwd: string;
  env: NodeJS.ProcessEnv;
  /**
   * The file to which both outputs are appended: by the command itself, so that what it leaves running can go on
   * writing.
   */
  log: string;
  signal: AbortSignal;
};

/**
 * Runs one provision step in a process group of its own and returns the seconds that it took. Unlike a hand's command
 * (crew/machine/run.ts) it carries no mark, since what it leaves running is meant to run. Throws how the step ended
 * with the end of what it printed; a step that is stopped or out of time has its group ended first.
 */
export async function runStep({ run, timeoutSeconds, cwd, env, log, signal }: Step): Promise<number> {
  signal.throwIfAborted();
  const started = performance.now();
  const file = openSync(log, "a", 0o600);
  writeSync(file, `\n$ ${run}\n`);
  const from = statSync(log).size;
  const child = spawn("bash", ["-c", run], { cwd, env, detached: true, stdio: ["ignore", file, file] });
  closeSync(file);

  const timeUp = AbortSignal.timeout(Math.ceil(timeoutSeconds * 1000));
  const ending = AbortSignal.any([signal, timeUp]);
  let killer: NodeJS.Timeout | undefined;
  const end = () => {
    signalGroup(child.pid, "SIGTERM");
    killer = setTimeout(() => signalGroup(child.pid, "SIGKILL"), GRACE_MS);
  };
  ending.addEventListener("abort", end, { once: true });
  try {
    const ended = await new Promise<string | null>((resolve, reject) => {
      child.once("exit", (code, by) =>
        resolve(code === 0 ? null : code === null ? `was ended by ${by}` : `ended with exit status ${code}`),
      );
      child.once("error", (error) => reject(new Error(`bash cannot be run: ${error.message}`)));
    });
    if (ending.aborted) signalGroup(child.pid, "SIGKILL");
    signal.throwIfAborted();
    const why = timeUp.aborted ? `was stopped after ${timeoutSeconds} s, its time limit` : ended;
    if (why)
      throw new Error(
        `${why}: ${readFileSync(log).subarray(from).subarray(-TAIL_BYTES).toString("utf8").trim() || "it printed nothing"}`,
      );
    return (performance.now() - started) / 1000;
  } finally {
    ending.removeEventListener("abort", end);
    clearTimeout(killer);
  }
}

function signalGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {} // The group has ended already.
}
