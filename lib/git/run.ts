import { OcaptainError } from "../base/errors.ts";
import { runProgram } from "../base/run-program.ts";
import { inherited } from "../daemons/environment.ts";

/**
 * Settings of git for one call. git at the captain never runs what a repository brings
 * (docs/design.md#captains-folder): hooks, fsmonitor, filters and signing are off, a bare repository must be named, the
 * person's and the system's configuration are not read, and nothing prompts. Settings go through the environment, so
 * that neither they nor a token show in argv.
 */
export type GitConfig = readonly (readonly [key: string, value: string])[];

const SAFE: GitConfig = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  // git does not fsync loose objects unless told to; an accepted task must outlive a power cut.
  ["core.fsync", "objects,reference"],
  ["safe.bareRepository", "explicit"],
  ["commit.gpgSign", "false"],
  ["tag.gpgSign", "false"],
  ["credential.helper", ""],
  ["submodule.recurse", "false"],
  ["fetch.recurseSubmodules", "false"],
  ["protocol.ext.allow", "never"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["init.defaultBranch", "main"],
  ["advice.detachedHead", "false"],
];

/** The whole environment of a git process. `config` comes after the safe settings, and so counts more. */
export function gitEnv(config: GitConfig = [], extra: Record<string, string> = {}): Record<string, string> {
  const env = inherited("git");
  const all = [...SAFE, ...config];
  env.GIT_CONFIG_COUNT = String(all.length);
  for (const [index, [key, value]] of all.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return {
    ...env,
    LC_ALL: "C",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "true",
    GIT_SSH_COMMAND: "ssh -oBatchMode=yes -oConnectTimeout=15",
    GIT_EDITOR: "true",
    GIT_PAGER: "cat",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_AUTHOR_NAME: "ocaptain helm",
    GIT_AUTHOR_EMAIL: "helm@ocaptain",
    GIT_COMMITTER_NAME: "ocaptain helm",
    GIT_COMMITTER_EMAIL: "helm@ocaptain",
    ...extra,
  };
}

export type GitOptions = {
  cwd?: string;
  /** The repository, as `GIT_DIR`, which a bare one needs. */
  gitDir?: string;
  workTree?: string;
  stdin?: string;
  env?: Record<string, string>;
  config?: GitConfig;
  /** The environment in place of {@link gitEnv}'s, to which `env` is added; `config` does not count then. */
  environment?: Record<string, string>;
  /** Ends git when it is aborted. */
  signal?: AbortSignal;
  /** Whether git, or ssh, may ask the person at this terminal. */
  mayAsk?: boolean;
  /** The time limit in milliseconds. @default 60 000 */
  timeoutMs?: number;
  /** The most that git may print. @default 64 MiB, which is a line for each of 250,000 files */
  mostBytes?: number;
  /** Takes what git prints, as it comes. Nothing of it is kept then, and it may be of any length. */
  onStdout?: (text: string) => void;
  /** The exit codes that are results and not errors. @default [0] */
  okCodes?: readonly number[];
};
export type GitResult = { exitCode: number; stdout: string; stderr: string };

/**
 * Runs git.
 * @throws OcaptainError GIT, with git's own words, for an exit code that is not in `okCodes`; GIT_TIMEOUT when git was
 * ended because time ran out; GIT_TOO_LONG when it printed more than `mostBytes`
 */
export async function git(args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const { timeoutMs = 60_000, okCodes = [0], mostBytes = 64 * 1024 * 1024 } = options;
  const extra: Record<string, string> = { ...options.env };
  if (options.gitDir) extra.GIT_DIR = options.gitDir;
  if (options.workTree) extra.GIT_WORK_TREE = options.workTree;
  const { cwd, stdin, onStdout, signal } = options;
  const run = await runProgram("git", args, {
    ...{ cwd, input: stdin, onStdout, signal, timeoutMs, mostBytes },
    env: options.environment ? { ...options.environment, ...extra } : gitEnv(options.config, extra),
    // git's helpers (git-remote-https …) hold the pipes and must end with git when time is up. A group of their own has
    // no terminal, so a git that may ask somebody stays in ours.
    ownGroup: !options.mayAsk,
  });
  const { exitCode } = run;
  if (run.tooLong) throw new OcaptainError("GIT_TOO_LONG", `git ${args[0]} printed more than ${mostBytes} bytes`);
  if (exitCode === null) signal?.throwIfAborted();
  // With an exit code git ended by itself, and its work is done: this process may only have been stopped, and so have
  // seen it late.
  if (run.timedOut && exitCode === null)
    throw new OcaptainError("GIT_TIMEOUT", `git ${args[0]} took longer than ${timeoutMs / 1000} s`);
  if (exitCode === null || !okCodes.includes(exitCode)) {
    const words = run.stderr.trim() || run.why;
    throw new OcaptainError("GIT", `git ${args[0]} failed (${exitCode ?? "not ended by itself"}): ${words.slice(-2000)}`);
  }
  return { exitCode, stdout: run.stdout, stderr: run.stderr };
}

/** The one line that a git command prints. */
export async function gitLine(args: readonly string[], options: GitOptions = {}): Promise<string> {
  return (await git(args, options)).stdout.trim();
}
