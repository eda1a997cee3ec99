import { spawn } from "node:child_process";
import { join } from "node:path";
import { OcaptainError } from "../base/errors.ts";
import { readAtMost } from "../base/read-at-most.ts";
import { inherited } from "../daemons/environment.ts";

export type MutagenOptions = {
  /** Everything of this daemon: socket, sessions, caches. Its socket's path must stay below 108 bytes. */
  dataDirectory: string;
  /** Folder with the `ssh` and `scp` that reach the ships (MUTAGEN_SSH_PATH); else those on PATH. */
  sshPath?: string | undefined;
  /** What else the daemon and its ssh must know. No secrets: a daemon's environment can be read by its user. */
  env?: Readonly<Record<string, string>>;
};

/** Its lists of conflicts and problems name files of ships; it cuts long ones by itself. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Of what it says on stderr the end is looked at. */
const LAST_WORDS = 16_384;
/** For a command that was told to end. */
const KILL_AFTER_MS = 1_000;

export type Outcome = { ok: boolean; timedOut: boolean; stdout: string; message: string };
export type Command = (args: readonly string[], timeoutMs: number) => Promise<Outcome>;

/** The whole environment of this daemon, and of the CLI that talks to it. */
export function mutagenEnvironment(options: MutagenOptions): Record<string, string> {
  return {
    ...inherited("mutagen"),
    ...options.env,
    ...(options.sshPath === undefined ? {} : { MUTAGEN_SSH_PATH: options.sshPath }),
    // It prepares files here that it then moves into a mirror. That of the shell that starts it goes with the shell.
    TMPDIR: join(options.dataDirectory, "tmp"),
    MUTAGEN_DATA_DIRECTORY: options.dataDirectory,
    // Mutagen's own autostart would make a look change the world, and leave starters nobody waits for.
    MUTAGEN_DISABLE_AUTOSTART: "1",
    MUTAGEN_LOG_LEVEL: "warn",
  };
}

/**
 * Runs `mutagen ARGS`, bounded; a failure is an outcome. It never starts the daemon. By Node's own means: loading execa would be a third
 * of the time of a look (docs/cli.md).
 * @throws OcaptainError MUTAGEN_MISSING
 */
export function mutagenCommand(options: MutagenOptions): Command {
  const env = mutagenEnvironment(options);
  return (args, timeoutMs) =>
    new Promise((resolve, reject) => {
      const child = spawn("mutagen", [...args], { env, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      const collected = readAtMost(child.stdout, MOST_BYTES, `mutagen ${args[0]}`).then(
        (bytes) => bytes.toString("utf8"),
        (error: Error) => {
          child.kill("SIGKILL");
          said = error.message;
          return "";
        },
      );
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        said = (said + text).slice(-LAST_WORDS);
      });
      let timedOut = false;
      const timers = [
        setTimeout(
          () => {
            timedOut = true;
            child.kill("SIGTERM");
          },
          Math.max(1, timeoutMs),
        ),
        setTimeout(() => child.kill("SIGKILL"), Math.max(1, timeoutMs) + KILL_AFTER_MS),
      ];
      const settle = async (ok: boolean, message?: string) => {
        for (const timer of timers) clearTimeout(timer);
        const stdout = (await collected).replace(/\n$/, "");
        resolve({ ok, timedOut, stdout, message: message ?? lastLine(said) });
      };
      child.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") return settle(false, error.message);
        for (const timer of timers) clearTimeout(timer);
        reject(new OcaptainError("MUTAGEN_MISSING", "mutagen is not on PATH", { hint: "npm run setup && . .tools/env.sh" }));
      });
      child.once("close", (code) => settle(code === 0 && !timedOut));
    });
}

/** Progress lines end with a carriage return; the error is what comes last. */
const lastLine = (text: string) =>
  text
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter(Boolean)
    .at(-1)
    ?.replace(/^Error: /, "") ?? "";
