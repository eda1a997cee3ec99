import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../base/errors.ts";
import { acquireOsLock } from "../base/os-lock.ts";
import { lastWords, startDetached, waitForWord } from "../daemons/detached.ts";
import { lossOf } from "../daemons/health.ts";
import { digestOf } from "../plan/digest.ts";
import { type Command, type MutagenOptions, mutagenEnvironment } from "./command.ts";

const START_MS = 10_000;
const STOP_MS = 10_000;
const LOOK_MS = 20;

export type Daemon = {
  /** Does it take connections? Changes nothing; about 1 ms. */
  running(): Promise<boolean>;
  /** Why the one that runs cannot work, or null. Changes nothing. */
  loss(): Promise<string | null>;
  /** Starts it unless it runs; one that was started for another version or another ssh, or that has lost what it needs, is replaced. Sessions live on disk and come back. */
  ensure(): Promise<void>;
  /** Ends it; its sessions stay. Quiet when it is not running. */
  stop(): Promise<void>;
};

/** The life of one data directory's daemon. */
export function mutagenDaemon(options: MutagenOptions, command: Command): Daemon {
  const socket = join(options.dataDirectory, "daemon", "daemon.sock");
  const marker = join(options.dataDirectory, "started-for");
  const pidFile = join(options.dataDirectory, "pid");
  const logFile = join(options.dataDirectory, "daemon.log");
  const { TMPDIR: tmp = "" } = mutagenEnvironment(options);
  let version: Promise<string> | undefined;

  const running = () => answers(socket);

  async function startedFor(): Promise<string> {
    version ??= command(["version"], 5_000).then((outcome) => outcome.stdout.trim());
    return digestOf({ version: await version, sshPath: options.sshPath, env: options.env, tmp });
  }

  /** What the daemon that runs cannot work without, and has lost. */
  const loss = async () => {
    const pid = Number(await readFile(pidFile, "utf8").catch(() => "0"));
    return pid > 0 && (await running()) ? lossOf(pid, [options.sshPath === undefined ? "ssh" : "sh"]) : null;
  };

  const fits = async () =>
    (await running()) && (await loss()) === null && (await readFile(marker, "utf8").catch(() => "")) === (await startedFor());

  async function ensure(): Promise<void> {
    await mkdir(tmp, { recursive: true, mode: 0o700 }); // also one that was cleared away under a daemon that runs
    if (await fits()) return;
    await alone(async () => {
      if (await fits()) return;
      await end();
      await writeFile(marker, await startedFor(), { mode: 0o600 });
      await start();
    });
  }

  async function stop(): Promise<void> {
    if (existsSync(options.dataDirectory)) await alone(end);
  }

  /**
   * `mutagen daemon run`, and not `daemon start`, which sends a starter off and leaves: one that is late takes the lock of a daemon that
   * was stopped in the meantime, and lives on. Ours is watched until it answers or ends.
   */
  async function start(): Promise<void> {
    const until = Date.now() + START_MS;
    while (Date.now() < until) {
      const process = startDetached("mutagen", ["daemon", "run"], { env: mutagenEnvironment(options), logFile });
      await writeFile(pidFile, String(process.pid), { mode: 0o600 });
      if (await waitForWord(process, running, { timeoutMs: until - Date.now() })) return;
      if (process.exitCode === undefined) process.kill();
      // The lock is still held by one that is going away; the next one will not meet it.
      else if (!lastWords(logFile).includes("daemon lock")) break;
      await sleep(LOOK_MS);
    }
    throw broken(`does not start: ${lastWords(logFile)}`);
  }

  async function end(): Promise<void> {
    if (!(await running())) return;
    const outcome = await command(["daemon", "stop"], STOP_MS);
    const asked = Date.now();
    while (await running()) {
      if (Date.now() - asked > STOP_MS || outcome.timedOut) throw broken(`does not end: ${outcome.message || "no answer"}`);
      await sleep(LOOK_MS);
    }
  }

  /** One starter or stopper at a time, of all processes. */
  async function alone(act: () => Promise<void>): Promise<void> {
    const lock = await acquireOsLock(join(options.dataDirectory, "starter.sqlite"), { timeoutMs: START_MS + STOP_MS });
    try {
      await act();
    } finally {
      lock.release();
    }
  }

  const broken = (what: string) =>
    new OcaptainError("MUTAGEN_DAEMON", `the Mutagen daemon of ${options.dataDirectory} ${what}`, {
      hint: `MUTAGEN_DATA_DIRECTORY=${options.dataDirectory} mutagen daemon run`,
    });

  return { running, loss, ensure, stop };
}

/** A connection is enough: a socket file without a daemon refuses it at once, where the CLI would wait for half a second. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => settle(false));
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
