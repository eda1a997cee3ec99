import type { Grant } from "../../lib/protocol/ship-claims.ts";
import { handEnvironment } from "../claim/context.ts";
import type { Hand } from "../claim/hand.ts";
import { type Ran, run } from "../machine/run.ts";

/**
 * How often a task is done anew on a moved tip before it is given back unharmed. The helm sees to it that it takes
 * fewer (helm/voyage/races.ts).
 */
const ROUNDS = 20;

/**
 * The hand that needs no model: it runs the task's `metadata.rehearsal` by `bash -c` in the tree. A task without one is
 * walked through, so that any plan can be rehearsed. The hand holds no state of its own, so a conflict is resolved by
 * running the command again on the new tip.
 */
export const rehearsalHand: Hand = async (context, grant, delivery, log, signal) => {
  const job = {
    grant,
    cwd: context.tree.folder,
    env: handEnvironment(context, grant),
    mark: context.ship.mark,
    signal,
    onOutput(chunk: Buffer) {
      context.claim.stir();
      log.write(chunk);
    },
    onStart() {
      delivery.handBegan = true;
    },
  };
  await delivery.begin();
  let seconds = 0;
  let done: HandResult | null = null;
  for (let round = 1; ; round++) {
    if (!done) {
      done = await rehearse(job);
      seconds += done.seconds;
      if (done.failed) return { kind: "failed", reason: done.failed };
    }
    const offered = await delivery.offer(done.summary, seconds);
    if (offered.kind === "accepted") return { kind: "accepted" };
    if (offered.kind === "check-failed")
      return { kind: "failed", reason: withLastLine(`the check failed, exit status ${offered.exitCode}`, offered.output) };
    if (round === ROUNDS)
      return {
        kind: "handed-back",
        reason: `in conflict with the tip of the branch ${ROUNDS} times, at last in ${offered.files.join(", ")}`,
      };
    if (!(await delivery.mergeOrStartAnew(offered.tip))) done = null;
  }
};

/**
 * What one run of the command is given. `env` holds no secret; `onOutput` is for the log and for a person who looks on.
 */
type Job = {
  grant: Grant;
  cwd: string;
  env: NodeJS.ProcessEnv;
  mark: string;
  signal: AbortSignal;
  onOutput: (chunk: Buffer) => void;
  onStart: () => void;
};

/**
 * What came of a run. `failed` says why the task is to be given back as failed, or is null; `summary` is a line about
 * what was done.
 */
type HandResult = { failed: string | null; summary: string; seconds: number };

async function rehearse(job: Job): Promise<HandResult> {
  const { task, timeoutSeconds } = job.grant;
  const command = task.metadata.rehearsal;
  if (typeof command !== "string" || command.trim() === "") {
    job.onStart();
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
    onStart: job.onStart,
  });
  return { failed: failure(ran, timeoutSeconds), summary: lastLine(ran.tail), seconds: ran.seconds };
}

function failure(ran: Ran, timeoutSeconds: number): string | null {
  if (ran.timedOut) return withLastLine(`stopped after ${timeoutSeconds} s, its time limit`, ran.tail);
  if (ran.exitCode === 0) return null;
  return withLastLine(ran.exitCode === null ? "ended by a signal" : `exit status ${ran.exitCode}`, ran.tail);
}

/** Puts the last line of an output, which says most, into a reason's first line: that is what people see of it. */
const withLastLine = (what: string, output: string) => `${[what, lastLine(output)].filter(Boolean).join(": ")}\n${output}`;
const lastLine = (text: string) => text.trimEnd().split("\n").at(-1)?.trim().slice(0, 500) ?? "";
