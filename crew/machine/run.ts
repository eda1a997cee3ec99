import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { endMarked, MARK } from "./processes.ts";

/** How much of an output is kept for reasons and testimonies: what the wire allows (lib/protocol/ship-api.ts, AcceptRequest). */
const TAIL_BYTES = 8192;
/** Between SIGTERM and SIGKILL (issue 3 §4). */
const GRACE_MS = 5000;

export type Command = {
  argv: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  /** See stragglers.ts. */
  mark: string;
  /** Aborting it ends the command: SIGTERM to its group, SIGKILL after 5 s. */
  signal: AbortSignal;
  onOutput?: (chunk: Buffer) => void;
  /** Where its standard output goes instead of `tail` and `onOutput`, when that is for a program. */
  onStdout?: (chunk: Buffer) => void;
  onStart?: (pid: number) => void;
  /** @default nothing: /dev/null */
  input?: string;
  /** How it is started. @default {@link startHere} */
  start?: Start;
};

/** Starts `command` in a process group of its own. `exited` rejects when it cannot be started; `drained`: all output is out. */
export type Start = (
  command: Command,
  to: { onStart: (pid: number) => void; onStdout: (chunk: Buffer) => void; onStderr: (chunk: Buffer) => void },
) => { exited: Promise<number | null>; drained: Promise<unknown> };

/** No process of it could be started. */
export class CannotStart extends Error {
  /** The system's word for why: ENOENT, EAGAIN, E2BIG, … */
  readonly code: string | undefined;
  constructor(program: string, cause: NodeJS.ErrnoException) {
    super(`cannot run ${program}: ${cause.message}`, { cause });
    this.code = cause.code;
  }
}

/** `exitCode` is null when a signal ended it. `tail`: the last 8 KiB of both outputs, in the order they came. */
export type Ran = { exitCode: number | null; timedOut: boolean; tail: string; seconds: number };

/**
 * Runs a command in a process group of its own and returns when it **and all it started** are gone ("hand quiet", design 8).
 * Throws the signal's reason when that aborted, and CannotStart.
 */
export async function run(command: Command): Promise<Ran> {
  command.signal.throwIfAborted();
  const started = performance.now();
  let tail = Buffer.alloc(0);
  const take = (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
    command.onOutput?.(chunk);
  };
  let pid: number | undefined;
  const timeUp = AbortSignal.timeout(Math.ceil(Math.min(command.timeoutMs, 2 ** 31 - 1)));
  const ending = AbortSignal.any([command.signal, timeUp]);
  let killer: NodeJS.Timeout | undefined;
  const end = () => {
    signalGroup(pid, "SIGTERM");
    killer ??= setTimeout(() => signalGroup(pid, "SIGKILL"), GRACE_MS);
  };
  ending.addEventListener("abort", end, { once: true });
  const marked = { ...command, env: { ...command.env, [MARK]: command.mark } };
  const onStart = (begun: number) => {
    pid = begun;
    command.onStart?.(begun);
    if (ending.aborted) end();
  };
  const begin = () => (command.start ?? startHere)(marked, { onStart, onStdout: command.onStdout ?? take, onStderr: take });
  try {
    const { exited, drained } = startOr(command.argv[0]!, begin);
    const exitCode = await exited.catch((error: NodeJS.ErrnoException) => {
      throw new CannotStart(command.argv[0]!, error);
    });
    await endMarked(command.mark);
    await Promise.race([drained, sleep(1000)]);
    command.signal.throwIfAborted();
    return { exitCode, timedOut: timeUp.aborted, tail: tail.toString("utf8"), seconds: (performance.now() - started) / 1000 };
  } finally {
    ending.removeEventListener("abort", end);
    clearTimeout(killer);
  }
}

/** Some of what the system refuses Node throws at once, as a command that is too long. */
function startOr<T>(program: string, begin: () => T): T {
  try {
    return begin();
  } catch (error) {
    throw new CannotStart(program, error as NodeJS.ErrnoException);
  }
}

/** As a child of this process. */
const startHere: Start = (command, to) => {
  const [program, ...args] = command.argv;
  const child = spawn(program!, args, {
    cwd: command.cwd,
    env: command.env,
    detached: true,
    stdio: [command.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  if (child.pid !== undefined) to.onStart(child.pid);
  // A program that does not read its input to the end says so by its exit.
  child.stdin?.on("error", () => {});
  child.stdin?.end(command.input);
  child.stdout!.on("data", to.onStdout);
  child.stderr!.on("data", to.onStderr);
  return {
    exited: new Promise((resolve, reject) => {
      child.once("exit", resolve);
      child.once("error", reject);
    }),
    drained: new Promise((resolve) => child.once("close", resolve)),
  };
};

function signalGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  // One that has a terminal leads no group of its own.
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal);
      return;
    } catch {}
  }
}
