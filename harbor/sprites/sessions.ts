import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { childrenOf, innerNumber, signalQuietly } from "../vm/signals.ts";
import type { Vm } from "../vm/vm.ts";
import type { HarborClock } from "./clock.ts";

export type Output = { stream: "stdout" | "stderr"; data: Buffer };

export type ExecCommand = {
  argv: string[];
  dir?: string | undefined;
  env?: Record<string, string> | undefined;
  tty?: { cols: number; rows: number } | undefined;
};

/**
 * A command that was started in a ship from outside. Output goes to its listeners; the last 64 KiB are kept for those
 * who attach later.
 */
export type ExecSession = {
  /** The command's process id in the ship, as at the vendor. */
  id: string;
  command: string;
  dir: string;
  tty: boolean;
  createdMs: number;
  exitCode: number | undefined;
  exited: Promise<number>;
  scrollback(): Buffer;
  /**
   * Calls the listener with all output from now on, until the returned function is called. The first listener also gets
   * what came before.
   */
  listen(listener: (output: Output) => void): () => void;
  write(data: Buffer): void;
  endInput(): void;
  /** Reads no more output, so that a command that writes blocks. */
  pause(): void;
  resume(): void;
  signal(name: NodeJS.Signals): void;
  resize(cols: number, rows: number): void;
  /**
   * Continues the nsenter outside the ship, which stops itself together with its command and which a thaw in the ship
   * does not reach.
   */
  continueOutside(): void;
};

/** How long a command without a terminal may go on when its caller is gone, as at the vendor. */
export const RUN_ON_MS = 10_000;

const SCROLLBACK_BYTES = 64 * 1024;
/** How much output is kept while nobody listens; a command that prints more waits. */
const EARLY_BYTES = 1024 * 1024;
/** How long output is waited for after the exit: a background child can hold the pipes open for ever. */
const DRAIN_MS = 200;
/** How often, a millisecond apart, a command is looked for that has not begun. */
const LOOKS = 5_000;

/**
 * Starts a command in the ship. A command that cannot be started is a session that exits with 126 or 127, as in a
 * shell.
 */
export async function startSession(vm: Vm, command: ExecCommand, nowMs: number): Promise<ExecSession> {
  const raw = command.tty ? startTerminal(vm, command, command.tty) : startPlain(vm, command);
  const listeners = new Set<(output: Output) => void>();
  let early: Output[] | undefined = [];
  let earlyBytes = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  raw.onOutput((output) => {
    kept.push(output.data);
    keptBytes += output.data.length;
    while (keptBytes - kept[0]!.length >= SCROLLBACK_BYTES) keptBytes -= kept.shift()!.length;
    if (early) {
      early.push(output);
      earlyBytes += output.data.length;
      if (earlyBytes > EARLY_BYTES) raw.pause();
    }
    for (const listener of listeners) listener(output);
  });
  // The listeners come first: Node throws away what nobody listens to when a process ends.
  const inner = await innerProcess(command.tty ? () => onTerminal(vm, raw.pid) : () => vm.commandOf(raw.pid), raw);
  const session: ExecSession = {
    id: inner.shipPid,
    command: command.argv.join(" "),
    dir: command.dir ?? "",
    tty: command.tty !== undefined,
    createdMs: nowMs,
    exitCode: undefined,
    exited: raw.exited,
    scrollback: () => Buffer.concat(kept),
    listen(listener) {
      for (const output of early ?? []) listener(output);
      early = undefined;
      if (earlyBytes > EARLY_BYTES) raw.resume();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    write: raw.write,
    endInput: raw.endInput,
    pause: raw.pause,
    resume: raw.resume,
    resize: raw.resize,
    // A plain command leads its own process group in the ship. A terminal's groups are the business of its shell.
    signal(name) {
      // Just started, it leads no group yet.
      if (command.tty || !signalQuietly(-inner.hostPid, name)) signalQuietly(inner.hostPid, name);
    },
    continueOutside: () => signalQuietly(raw.pid, "SIGCONT"),
  };
  raw.exited.then((code) => {
    session.exitCode = code;
    kept = [];
  });
  return session;
}

/** Kills the command when it still runs after `ms` of this clock. */
export function killAfter(session: ExecSession, clock: HarborClock, ms: number): void {
  const cancel = clock.after(ms, () => session.signal("SIGKILL"));
  void session.exited.then(cancel);
}

type Raw = Pick<ExecSession, "exited" | "write" | "endInput" | "pause" | "resume" | "resize"> & {
  pid: number;
  onOutput(listener: (output: Output) => void): void;
};

function startPlain(vm: Vm, command: ExecCommand): Raw {
  const [file, ...args] = [...vm.enterFromHarbor(command), ...command.argv] as [string, ...string[]];
  const child = spawn(file, args, { stdio: "pipe", detached: true, env: { PATH: process.env.PATH } });
  return { ...connected(child), endInput: () => child.stdin.end(), resize() {} };
}

/** Starts the command on a terminal, which `ship-root/lib/terminal.mjs` makes in the ship. */
function startTerminal(vm: Vm, command: ExecCommand, size: { cols: number; rows: number }): Raw {
  const program = ["node", `${vm.helpers}/terminal.mjs`];
  const [file, ...args] = [...vm.enterFromHarbor({ env: { PATH: vm.systemPath } }), ...program] as [string, ...string[]];
  const stdio = ["pipe", "pipe", "pipe", "pipe"] as const;
  const child = spawn(file, args, { stdio: [...stdio], detached: true, env: { PATH: process.env.PATH } });
  const channel = child.stdio[3] as Writable;
  channel.on("error", () => {}); // it has ended
  const say = (message: object) => void channel.write(`${JSON.stringify(message)}\n`);
  say({ argv: [...vm.inside({ ...command, tty: true }), ...command.argv], ...size });
  return { ...connected(child as ChildProcessWithoutNullStreams), endInput() {}, resize: (cols, rows) => say({ cols, rows }) };
}

function connected(child: ChildProcessWithoutNullStreams): Omit<Raw, "endInput" | "resize"> {
  child.stdin.on("error", () => {}); // the command ended without reading its input
  return {
    pid: child.pid ?? 0,
    exited: exitOf(child),
    onOutput(listener) {
      child.stdout.on("data", (data: Buffer) => listener({ stream: "stdout", data }));
      child.stderr.on("data", (data: Buffer) => listener({ stream: "stderr", data }));
    },
    write: (data) => void child.stdin.write(data),
    pause() {
      child.stdout.pause();
      child.stderr.pause();
    },
    resume() {
      child.stdout.resume();
      child.stderr.resume();
    },
  };
}

/**
 * The exit status, which is 128 + n for a signal, as in a shell. Resolves when all output has come, at most {@link
 * DRAIN_MS} after the exit.
 */
function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(126));
    child.once("exit", (code, signal) => {
      const status = code ?? 128 + (signalNumbers[signal as string] ?? 0);
      const timer = setTimeout(resolve, DRAIN_MS, status);
      child.once("close", () => {
        clearTimeout(timer);
        resolve(status);
      });
    });
  });
}

type Inner = { hostPid: number; shipPid: string };

/** The command's process, once it runs. */
async function innerProcess(look: () => Inner | undefined, { pid, exited }: Raw): Promise<Inner> {
  let over = false;
  void exited.then(() => {
    over = true;
  });
  for (let tries = 0; tries < LOOKS && !over; tries++) {
    const inner = look();
    if (inner) return inner;
    await delay(1);
  }
  // It ended before it was seen. Any short number will do for a session to which nobody can attach any more.
  return { hostPid: 0, shipPid: String(pid) };
}

/** The only child of the program that has made the terminal. */
function onTerminal(vm: Vm, outerPid: number): Inner | undefined {
  const [hostPid] = childrenOf(vm.commandOf(outerPid)?.hostPid ?? 0);
  const shipPid = hostPid && innerNumber(hostPid);
  return shipPid ? { hostPid, shipPid } : undefined;
}

const signalNumbers: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};
