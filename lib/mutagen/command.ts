import { join } from "node:path";
import { OcaptainError } from "../base/errors.ts";
import { runProgram } from "../base/run-program.ts";
import { setUpCommand } from "../base/set-up-command.ts";
import { inherited } from "../daemons/environment.ts";

export type MutagenOptions = {
  /** The folder of the daemon's socket, sessions and caches. The path of the socket in it must be below 108 bytes. */
  dataDirectory: string;
  /** The folder with the `ssh` and `scp` that reach the ships (MUTAGEN_SSH_PATH). @default those on PATH */
  sshPath?: string | undefined;
  /** Further variables for the daemon and its ssh; no secrets, since its user can read a daemon's environment. */
  env?: Readonly<Record<string, string>>;
};

/** The most that mutagen may print. Ships choose the file names in its lists, but it cuts long lists by itself. */
const MOST_BYTES = 64 * 1024 * 1024;

export type Outcome = { ok: boolean; timedOut: boolean; stdout: string; message: string };
export type MutagenCommand = (args: readonly string[], timeoutMs: number) => Promise<Outcome>;

/** Returns the whole environment of the daemon, and of the CLI that talks to it. */
export function mutagenEnvironment(options: MutagenOptions): Record<string, string> {
  return {
    ...inherited("mutagen"),
    ...options.env,
    ...(options.sshPath === undefined ? {} : { MUTAGEN_SSH_PATH: options.sshPath }),
    // Mutagen prepares files here before it moves them into a mirror. The temporary folder of the shell that starts the
    // daemon may vanish with that shell.
    TMPDIR: join(options.dataDirectory, "tmp"),
    MUTAGEN_DATA_DIRECTORY: options.dataDirectory,
    // With Mutagen's own autostart even a look would start a daemon, and leave processes that nobody waits for.
    MUTAGEN_DISABLE_AUTOSTART: "1",
    MUTAGEN_LOG_LEVEL: "warn",
  };
}

/**
 * Returns a function that runs `mutagen ARGS` within a time limit and never starts the daemon. A failed command is an
 * outcome, not an error.
 * @throws OcaptainError MUTAGEN_MISSING when mutagen is not on PATH
 */
export function mutagenCommand(options: MutagenOptions): MutagenCommand {
  const env = mutagenEnvironment(options);
  return async (args, timeoutMs) => {
    const run = await runProgram("mutagen", args, { env, timeoutMs: Math.max(1, timeoutMs), mostBytes: MOST_BYTES });
    if (run.missing) throw new OcaptainError("MUTAGEN_MISSING", "mutagen is not on PATH", { hint: setUpCommand() });
    const { ok, timedOut, stdout } = run;
    return { ok: ok && !timedOut, timedOut, stdout: stdout.replace(/\n$/, ""), message: lastLine(run.stderr) || run.why };
  };
}

/** Returns the last line, which is the error. Progress lines before it end with a carriage return. */
const lastLine = (text: string) =>
  text
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter(Boolean)
    .at(-1)
    ?.replace(/^Error: /, "") ?? "";
