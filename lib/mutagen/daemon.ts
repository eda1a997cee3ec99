import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../base/errors.ts";
import { acquireOsLock } from "../base/os-lock.ts";
import { lastWords, startDetached, waitForWord } from "../daemons/detached.ts";
import { lossOf } from "../daemons/health.ts";
import { digestOf } from "../plan/digest.ts";
import { type MutagenCommand, type MutagenOptions, mutagenEnvironment } from "./command.ts";

const START_MS = 30_000;
const STOP_MS = 10_000;
const LOOK_MS = 20;

export type Daemon = {
  /** Tells whether the daemon takes connections. It changes nothing and takes about 1 ms. */
  running(): Promise<boolean>;
  /** Returns why the running daemon cannot work, or null. It changes nothing. */
  loss(): Promise<string | null>;
  /**
   * Starts the daemon unless it runs. A daemon that was started for another version or another ssh, or that has lost
   * what it needs, is replaced. Sessions live on disk and come back.
   */
  ensure(): Promise<void>;
  /** Ends the daemon, if it runs: by asking it, and by a kill when it does not. Its sessions stay on disk. */
  stop(): Promise<void>;
};

/** Returns what starts, watches and ends the daemon of one data directory. */
export function mutagenDaemon(options: MutagenOptions, command: MutagenCommand): Daemon {
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

  /** Returns what the running daemon needs and has lost. */
  const loss = async () => {
    const pid = Number(await readFile(pidFile, "utf8").catch(() => "0"));
    return pid > 0 && (await running()) ? lossOf(pid, [options.sshPath === undefined ? "ssh" : "sh"]) : null;
  };

  const fits = async () =>
    (await running()) && (await loss()) === null && (await readFile(marker, "utf8").catch(() => "")) === (await startedFor());

  async function ensure(): Promise<void> {
    await mkdir(tmp, { recursive: true, mode: 0o700 }); // it may have been cleared away under a running daemon
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
   * Starts the daemon by `mutagen daemon run`, and watches it until it answers or ends. `daemon start` would leave a
   * starter behind that nobody watches: if the daemon is stopped meanwhile, a late starter takes its lock and lives on.
   */
  async function start(): Promise<void> {
    const until = Date.now() + START_MS;
    while (Date.now() < until) {
      const daemon = startDetached("mutagen", ["daemon", "run"], { env: mutagenEnvironment(options), logFile });
      await writeFile(pidFile, String(daemon.pid), { mode: 0o600 });
      if (await waitForWord(daemon, running, { timeoutMs: until - Date.now() })) return;
      if (daemon.exitCode === undefined) daemon.kill();
      // An earlier daemon that is about to end still holds the lock, and the next try finds it free.
      else if (!lastWords(logFile).includes("daemon lock")) break;
      await sleep(LOOK_MS);
    }
    throw broken(`does not start: ${lastWords(logFile)}`);
  }

  async function end(): Promise<void> {
    if (!(await running())) return;
    const outcome = await command(["daemon", "stop"], STOP_MS);
    if (!outcome.timedOut && (await ends())) return;
    // Nothing is lost by a kill: sessions live on disk, and a daemon is always ready to be cut off.
    const pid = Number(await readFile(pidFile, "utf8").catch(() => "0"));
    if (pid > 0 && (await isOurs(pid))) process.kill(pid, "SIGKILL");
    if (!(await ends())) throw broken(`does not end: ${outcome.message || "no answer"}`);
  }

  /** Waits until the daemon takes no connections any more; false when it still does after 10 s. */
  async function ends(): Promise<boolean> {
    for (const until = Date.now() + STOP_MS; Date.now() < until; await sleep(LOOK_MS)) if (!(await running())) return true;
    return false;
  }

  /** Tells whether this process is the daemon of this data directory; false where there is no /proc. */
  async function isOurs(pid: number): Promise<boolean> {
    const environ = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    return environ.split("\0").includes(`MUTAGEN_DATA_DIRECTORY=${options.dataDirectory}`);
  }

  /** Lets only one process at a time start or stop the daemon. */
  async function alone(act: () => Promise<void>): Promise<void> {
    const lock = await acquireOsLock(join(options.dataDirectory, "starter.sqlite"), { timeoutMs: START_MS + 3 * STOP_MS });
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

/**
 * Tells whether a socket takes connections, which is proof enough of a daemon. A socket file without a daemon refuses
 * at once, where the CLI would wait for half a second.
 */
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
