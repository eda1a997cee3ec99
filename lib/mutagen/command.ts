import { spawn } from "node:child_process";
import { OcaptainError } from "../errors.ts";

export type MutagenOptions = {
  /** Everything of this daemon: socket, sessions, caches. Its socket's path must stay below 108 bytes. */
  dataDirectory: string;
  /** Folder with the `ssh` and `scp` that reach the ships (MUTAGEN_SSH_PATH); else those on PATH. */
  sshPath?: string | undefined;
  /** What else the daemon and its ssh must know. No secrets: a daemon's environment can be read by its user. */
  env?: Readonly<Record<string, string>>;
};

/** For a command that was told to end. */
const KILL_AFTER_MS = 1_000;

/** What daemon and CLI get of this process's environment (design 15). */
const ALLOWED = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ"];

export type Outcome = { ok: boolean; timedOut: boolean; stdout: string; message: string };
export type Command = (args: readonly string[], timeoutMs: number) => Promise<Outcome>;

/** The whole environment of this daemon, and of the CLI that talks to it. */
export function mutagenEnvironment(options: MutagenOptions): Record<string, string> {
  const inherited = ALLOWED.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]]));
  return {
    ...Object.fromEntries(inherited),
    ...options.env,
    ...(options.sshPath === undefined ? {} : { MUTAGEN_SSH_PATH: options.sshPath }),
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
      const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
      child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
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
      const settle = (ok: boolean, message: string) => {
        for (const timer of timers) clearTimeout(timer);
        resolve({ ok, timedOut, stdout: textOf(stdout).replace(/\n$/, ""), message });
      };
      child.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") return settle(false, error.message);
        for (const timer of timers) clearTimeout(timer);
        reject(new OcaptainError("MUTAGEN_MISSING", "mutagen is not on PATH", { hint: "npm run setup, then: . .tools/env.sh" }));
      });
      child.once("close", (code) => settle(code === 0 && !timedOut, lastLine(textOf(stderr))));
    });
}

const textOf = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString("utf8");

/** Progress lines end with a carriage return; the error is what comes last. */
const lastLine = (text: string) =>
  text
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter(Boolean)
    .at(-1)
    ?.replace(/^Error: /, "") ?? "";
