import type { Grant } from "../../lib/ship-api.ts";
import { type Ran, run } from "../run.ts";

/** What a hand is given. `env` holds no secret; `onOutput` is for the log and the person looking on. */
export type Job = {
  grant: Grant;
  cwd: string;
  env: NodeJS.ProcessEnv;
  mark: string;
  signal: AbortSignal;
  onOutput: (chunk: Buffer) => void;
};

/** `failed`: why the task is to be released, or null. `summary`: one or two lines of what was done. */
export type HandResult = { failed: string | null; summary: string; seconds: number };

/**
 * The hand that needs no model: runs the task's `metadata.rehearsal` by `bash -c` in the tree. A task without one is walked through, so that any
 * plan can be rehearsed. It holds no state of its own, so a conflict is resolved by running it again on the new tip.
 */
export async function rehearse(job: Job): Promise<HandResult> {
  const { task, timeoutSeconds } = job.grant;
  const command = task.metadata.rehearsal;
  if (typeof command !== "string" || command.trim() === "") {
    return { failed: null, summary: "walked through: the task has no rehearsal command", seconds: 0 };
  }
  const ran = await run({
    argv: ["bash", "-c", command],
    cwd: job.cwd,
    env: job.env,
    timeoutMs: timeoutSeconds * 1000,
    mark: job.mark,
    signal: job.signal,
    onOutput: job.onOutput,
  });
  return { failed: failure(ran, timeoutSeconds), summary: lastLine(ran.tail), seconds: ran.seconds };
}

function failure(ran: Ran, timeoutSeconds: number): string | null {
  if (ran.timedOut) return `stopped after ${timeoutSeconds} s, its time\n${ran.tail}`;
  if (ran.exitCode === 0) return null;
  return `${ran.exitCode === null ? "ended by a signal" : `exit status ${ran.exitCode}`}\n${ran.tail}`;
}

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1)?.slice(0, 500) ?? "";
