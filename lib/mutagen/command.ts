import { execa } from "execa";
import { OcaptainError } from "../errors.ts";

export type MutagenOptions = {
  /** Everything of this daemon: socket, sessions, caches. Its socket's path must stay below 108 bytes. */
  dataDirectory: string;
  /** Folder with the `ssh` and `scp` that reach the ships (MUTAGEN_SSH_PATH); else those on PATH. */
  sshPath?: string | undefined;
  /** What else the daemon and its ssh must know. No secrets: a daemon's environment can be read by its user. */
  env?: Readonly<Record<string, string>>;
};

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
 * Runs `mutagen ARGS`, bounded; a failure is an outcome. It never starts the daemon.
 * @throws OcaptainError MUTAGEN_MISSING
 */
export function mutagenCommand(options: MutagenOptions): Command {
  const env = mutagenEnvironment(options);
  return async (args, timeoutMs) => {
    const result = await execa("mutagen", [...args], {
      env,
      extendEnv: false,
      reject: false,
      stdin: "ignore",
      timeout: Math.max(1, timeoutMs),
      forceKillAfterDelay: 1_000,
    });
    if (result.code === "ENOENT") {
      throw new OcaptainError("MUTAGEN_MISSING", "mutagen is not on PATH", { hint: "npm run setup, then: . .tools/env.sh" });
    }
    return { ok: !result.failed, timedOut: result.timedOut, stdout: result.stdout, message: lastLine(result.stderr) };
  };
}

/** Progress lines end with a carriage return; the error is what comes last. */
const lastLine = (text: string) =>
  text
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter(Boolean)
    .at(-1)
    ?.replace(/^Error: /, "") ?? "";
