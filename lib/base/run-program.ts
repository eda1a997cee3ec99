import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";

/** The time that a program gets to end after SIGTERM, before it is killed. */
const KILL_AFTER_MS = 2_000;
const MiB = 1024 * 1024;

export type RunOptions = {
  cwd?: string | undefined;
  /** The program's whole environment. @default this process's */
  env?: NodeJS.ProcessEnv;
  /** What the program reads from its standard input, which else is empty. */
  input?: string | undefined;
  /** The time limit in milliseconds. */
  timeoutMs: number;
  /** The most bytes that the program may print, on either of its outputs. @default 64 MiB */
  mostBytes?: number;
  /** Takes what it prints, as it comes. Nothing of that is kept then, and it may be of any length. */
  onStdout?: ((text: string) => void) | undefined;
  /**
   * Gives the program a process group of its own, without a terminal, so that what it starts ends with it when it is
   * ended.
   */
  ownGroup?: boolean;
  /** Ends the program when it is aborted. */
  signal?: AbortSignal | undefined;
};

/** How a run of a program went. */
export type Run = {
  /** Whether it ended by itself with status 0. */
  ok: boolean;
  /** Its exit status; null when a signal ended it, or when it was not started. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
  timedOut: boolean;
  /** Whether it printed more than it may, for which it was ended. */
  tooLong: boolean;
  /** Whether there is no such program, or no such `cwd`. */
  missing: boolean;
  /** How it failed in a few words, where it has printed nothing about that; "" when it did not fail. */
  why: string;
};

const NOT_STARTED = { ok: false, exitCode: null, stdout: "", stderr: "", timedOut: false, tooLong: false, missing: false };

/**
 * Runs a program to its end. A failure is a result and not an error. It uses Node's own `spawn` alone, because loading
 * a package for it would be a good part of the start of whoever runs one short command (docs/bench.md).
 */
export function runProgram(file: string, args: readonly string[], options: RunOptions): Promise<Run> {
  const { cwd, env = process.env, input, timeoutMs, mostBytes = 64 * MiB, onStdout, ownGroup = false, signal } = options;
  return new Promise((resolve) => {
    const child = begin(file, args, {
      ...(cwd !== undefined && { cwd }),
      env,
      detached: ownGroup,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    if (child instanceof Error) {
      const why = `${file}: ${child.message}`;
      return resolve({ ...NOT_STARTED, why });
    }
    let [timedOut, tooLong] = [false, false];
    const end = (signal: NodeJS.Signals) => (ownGroup ? signalGroup(child.pid, signal) : child.kill(signal));
    const stop = () => end("SIGTERM");
    // What it has started may hold its outputs, and would be waited for.
    const kill = () => {
      end("SIGKILL");
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    // SIGTERM comes first, so that a program removes its locks.
    const timers = [
      setTimeout(() => {
        timedOut = true;
        stop();
      }, timeoutMs),
      setTimeout(kill, timeoutMs + KILL_AFTER_MS),
    ];
    const keep = collector(mostBytes, () => {
      tooLong = true;
      kill();
    });
    const [stdout, stderr] = [keep(), keep()];
    const decoder = new StringDecoder("utf8");
    child.stdout?.on("data", onStdout ? (bytes: Buffer) => onStdout(decoder.write(bytes)) : stdout.take);
    child.stderr?.on("data", stderr.take);
    // A program that does not read all of its input closes the pipe, which is its own affair.
    child.stdin?.on("error", () => {}).end(input);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();

    let settled = false;
    const settle = (exitCode: number | null, by: NodeJS.Signals | null, error?: NodeJS.ErrnoException) => {
      if (settled) return;
      settled = true;
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      const ok = exitCode === 0 && !tooLong;
      const missing = error?.code === "ENOENT";
      const why = ok ? "" : whyNot({ error, missing, tooLong, timedOut, timeoutMs, exitCode, by });
      resolve({
        ok,
        exitCode,
        stdout: stdout.text(),
        stderr: stderr.text(),
        timedOut,
        tooLong,
        missing,
        why: why && `${file}: ${why}`,
      });
    };
    child.once("error", (error) => settle(null, null, error));
    child.once("close", settle);
  });
}

/** Starts the program. Node throws some errors at once, such as that of arguments which no program can get. */
function begin(file: string, args: readonly string[], options: SpawnOptions): ChildProcess | Error {
  try {
    return spawn(file, args, options);
  } catch (error) {
    return error as Error;
  }
}

type Ended = {
  error: NodeJS.ErrnoException | undefined;
  missing: boolean;
  tooLong: boolean;
  timedOut: boolean;
  timeoutMs: number;
  exitCode: number | null;
  by: NodeJS.Signals | null;
};

function whyNot({ error, missing, tooLong, timedOut, timeoutMs, exitCode, by }: Ended): string {
  if (missing) return "there is no such program";
  if (error) return error.message;
  if (tooLong) return "it printed too much";
  if (exitCode !== null) return `exit status ${exitCode}`;
  return timedOut ? `it took longer than ${timeoutMs / 1000} s` : `ended by ${by}`;
}

/** Makes keepers of outputs, which call `stop` once they have got more than `mostBytes`. */
function collector(mostBytes: number, stop: () => void) {
  return () => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    return {
      take: (piece: Buffer) => {
        bytes += piece.length;
        if (bytes <= mostBytes) pieces.push(piece);
        else stop();
      },
      text: () => Buffer.concat(pieces).toString("utf8"),
    };
  };
}

/** Signals a process group; quiet when it is gone. */
export function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {}
}
