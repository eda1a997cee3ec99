import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { endMarked, MARK } from "./processes.ts";

/**
 * How much of an output is kept for reasons and for what a check said: no more than the wire allows
 * (lib/protocol/ship-api.ts).
 */
const TAIL_BYTES = 8192;
/** The time between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;

/** A command that is run to its end. */
export type RunRequest = {
  argv: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  /** What marks the command and all that it starts (crew/machine/processes.ts). */
  mark: string;
  /** Ends the command when it aborts: SIGTERM to its group, and SIGKILL after 5 s. */
  signal: AbortSignal;
  onOutput?: (chunk: Buffer) => void;
  /** Takes the standard output instead of `tail` and `onOutput`, where that is for a program. */
  onStdout?: (chunk: Buffer) => void;
  onStart?: (pid: number) => void;
  /** The standard input. @default nothing: /dev/null */
  input?: string;
  /** How the command is started. @default as a child of this process */
  start?: Start;
};

/**
 * Starts a command in a process group of its own. `exited` rejects when it cannot be started; `drained` resolves when
 * all output is out.
 */
export type Start = (
  command: RunRequest,
  to: { onStart: (pid: number) => void; onStdout: (chunk: Buffer) => void; onStderr: (chunk: Buffer) => void },
) => { exited: Promise<number | null>; drained: Promise<unknown> };

/** Says that no process of a command could be started. */
export class CannotStart extends Error {
  /** The system's word for why: ENOENT, EAGAIN, E2BIG, … */
  readonly code: string | undefined;
  constructor(program: string, cause: NodeJS.ErrnoException) {
    super(`cannot run ${program}: ${cause.message}`, { cause });
    this.code = cause.code;
  }
}

/**
 * How a command ended. `exitCode` is null when a signal ended it. `tail` is the last 8 KiB of both outputs, in the
 * order in which they came.
 */
export type Ran = { exitCode: number | null; timedOut: boolean; tail: string; seconds: number };

/**
 * Runs a command in a process group of its own and returns when it **and all that it started** are gone, so that
 * nothing writes to the tree any more. Throws the signal's reason when that aborted, and CannotStart.
 */
export async function run(command: RunRequest): Promise<Ran> {
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

/**
 * Begins a command. Some of what the system refuses is thrown by Node at once, as a command that is too long: that is a
 * CannotStart too.
 */
function startOr<T>(program: string, begin: () => T): T {
  try {
    return begin();
  } catch (error) {
    throw new CannotStart(program, error as NodeJS.ErrnoException);
  }
}

/** Starts a command as a child of this process. */
const startHere: Start = (command, to) => {
  const [program, ...args] = command.argv;
  const child = spawn(program!, args, {
    cwd: command.cwd,
    env: command.env,
    detached: true,
    stdio: [command.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  if (child.pid !== undefined) to.onStart(child.pid);
  // A program that does not read its input to the end is judged by its exit alone.
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
  // A program that has a terminal leads no group of its own.
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal);
      return;
    } catch {}
  }
}
