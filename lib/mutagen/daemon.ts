import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../errors.ts";
import { digestOf } from "../plan/digest.ts";
import type { Command, MutagenOptions } from "./command.ts";

const START_MS = 10_000;
const STOP_MS = 10_000;
const LOOK_MS = 20;
/** A starter that meets the lock of a daemon just going away gives up at once: another is sent so often. */
const START_AGAIN_MS = 200;

export type Daemon = {
  /** Does it take connections? Changes nothing; about 1 ms. */
  running(): Promise<boolean>;
  /** Starts it unless it runs; one that was started for another version or another ssh is replaced. Sessions live on disk and come back. */
  ensure(): Promise<void>;
  /** Ends it; its sessions stay. Quiet when it is not running. */
  stop(): Promise<void>;
};

/** The life of one data directory's daemon. */
export function mutagenDaemon(options: MutagenOptions, command: Command): Daemon {
  const socket = join(options.dataDirectory, "daemon", "daemon.sock");
  const marker = join(options.dataDirectory, "started-for");
  let version: Promise<string> | undefined;

  const running = () => answers(socket);

  async function startedFor(): Promise<string> {
    version ??= command(["version"], 5_000).then((outcome) => outcome.stdout.trim());
    return digestOf({ version: await version, sshPath: options.sshPath, env: options.env });
  }

  async function ensure(): Promise<void> {
    const wanted = await startedFor();
    if (await running()) {
      if ((await readFile(marker, "utf8").catch(() => "")) === wanted) return;
      await stop();
    }
    await mkdir(options.dataDirectory, { recursive: true, mode: 0o700 });
    await writeFile(marker, wanted, { mode: 0o600 });
    const started = Date.now();
    for (let starters = 0; Date.now() - started < START_MS; ) {
      if (Date.now() - started >= starters * START_AGAIN_MS) {
        starters++;
        const outcome = await command(["daemon", "start"], START_MS);
        if (!outcome.ok) throw broken(`could not be started: ${outcome.message}`);
      }
      if (await running()) return;
      await sleep(LOOK_MS);
    }
    throw broken(`did not answer in ${START_MS / 1000} s`);
  }

  async function stop(): Promise<void> {
    if (!(await running())) return;
    const outcome = await command(["daemon", "stop"], STOP_MS);
    const asked = Date.now();
    while (await running()) {
      if (Date.now() - asked > STOP_MS || outcome.timedOut) throw broken(`does not end: ${outcome.message || "no answer"}`);
      await sleep(LOOK_MS);
    }
  }

  const broken = (what: string) =>
    new OcaptainError("MUTAGEN_DAEMON", `the Mutagen daemon of ${options.dataDirectory} ${what}`, {
      hint: `MUTAGEN_DATA_DIRECTORY=${options.dataDirectory} mutagen daemon run`,
    });

  return { running, ensure, stop };
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
