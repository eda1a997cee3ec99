import { execFileSync, spawn } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { MARK } from "../machine/processes.ts";
import { readToken, type ThisShip } from "../machine/ship.ts";

/** The longest that one git command may take: a first fetch of a big repository over a slow line. */
const GIT_MS = 10 * 60_000;

/** Settings that keep what a repository or a hand has configured from being run in the crew's commands. */
const SAFE = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.excludesFile=/dev/null",
  "core.attributesFile=/dev/null",
  "commit.gpgSign=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "http.proxy=",
  "submodule.recurse=false",
  "fetch.recurseSubmodules=false",
  "protocol.ext.allow=never",
];

/** Settings by which git sees the tree as it lies. */
const PLAIN = [
  "core.bare=false",
  "core.fileMode=true",
  "core.symlinks=true",
  "core.ignoreCase=false",
  "core.autocrlf=false",
  "core.checkStat=default",
  "core.trustctime=true",
  "core.sparseCheckout=false",
  "core.splitIndex=false",
  "core.untrackedCache=false",
  "core.logAllRefUpdates=false",
  "merge.conflictStyle=merge",
];

/** Names the ship as author and committer, also for a hand that commits by itself. */
export function identityOf({ config: { ship, voyageId } }: ThisShip): Record<string, string> {
  const email = `${ship}@${voyageId}.ocaptain`;
  return { GIT_AUTHOR_NAME: ship, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: ship, GIT_COMMITTER_EMAIL: email };
}

export type GitOptions = {
  input?: string;
  /** A folder whose repository is used instead of the crew's own. */
  cwd?: string;
  /** Another git directory than the crew's own. */
  repo?: string;
  /** Another work tree than the ship's. */
  workTree?: string;
  /** Another index than the crew's. */
  index?: string;
  /** A folder of objects that are read beside the crew's own. */
  borrow?: string | null;
  /** The longest that the command may take. @default 600 */
  seconds?: number;
  /** Is told what git warned of when it did not fail. */
  onWarning?: (words: string) => void;
  /** `latin1` keeps the bytes of names that are no text, and does not trim. @default "utf8", trimmed */
  encoding?: "utf8" | "latin1";
};

/**
 * Turns git's own no into "". That git could not be asked, because it was killed, not started or too slow, is no
 * answer: such an error is thrown on.
 */
export function unlessUnanswered(error: Error): "" {
  if (/^git \S+ failed \(\d+\)/.test(error.message)) return "";
  throw error;
}

/** Runs git and returns what it prints. */
export type RunGit = (args: string[], options?: GitOptions) => Promise<string>;

/**
 * Runs git for the supervisor: as the ship, with the ship's token, in the crew's own git directory, with the ship's
 * workspace as its work tree (docs/adr/the-crews-own-git.md), and with no settings of anybody else.
 */
export class ShipGit {
  readonly #ship: ThisShip;

  constructor(ship: ThisShip) {
    this.#ship = ship;
  }

  /** Runs one command and returns what it prints. Throws what git says, or the signal's reason. */
  async run(args: string[], signal: AbortSignal, options: GitOptions = {}): Promise<string> {
    this.#writeConfig();
    const { repo, workspace } = this.#ship;
    const { cwd, borrow, index, input = "", encoding = "utf8" } = options;
    const settings = cwd === undefined ? [...SAFE, ...PLAIN] : SAFE;
    return git([...settings.flatMap((setting) => ["-c", setting]), ...args], {
      cwd: cwd ?? options.workTree ?? workspace,
      input,
      encoding,
      onWarning: options.onWarning,
      signal: AbortSignal.any([signal, AbortSignal.timeout(options.seconds ? options.seconds * 1000 : GIT_MS)]),
      env: {
        ...withoutGit(process.env),
        ...identityOf(this.#ship),
        // What git says is read (crew/tree/git-retry.ts), so it must be in one language.
        LC_ALL: "C",
        GIT_CONFIG_GLOBAL: this.#ship.gitConfigFile,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_ATTR_NOSYSTEM: "1",
        GIT_TERMINAL_PROMPT: "0",
        GIT_NO_REPLACE_OBJECTS: "1",
        // A connection that carries less than 1 kB/s for a minute is a failure, and failures are tried again.
        GIT_HTTP_LOW_SPEED_LIMIT: "1000",
        GIT_HTTP_LOW_SPEED_TIME: "60",
        ...(cwd === undefined && { GIT_DIR: options.repo ?? repo, GIT_WORK_TREE: options.workTree ?? workspace }),
        ...(index !== undefined && { GIT_INDEX_FILE: index }),
        ...(borrow && { GIT_ALTERNATE_OBJECT_DIRECTORIES: borrow }),
        [MARK]: this.#ship.mark,
      },
    });
  }

  /** Writes git's settings with the token, anew each time: `up` may have changed the token meanwhile. */
  #writeConfig(): void {
    const { helmUrl } = this.#ship.config;
    const text = `[http "${helmUrl}/"]\n\textraHeader = "Authorization: Bearer ${readToken(this.#ship)}"\n`;
    writeFileSync(this.#ship.gitConfigFile, text, { mode: 0o600 });
    chmodSync(this.#ship.gitConfigFile, 0o600);
  }
}

export const gitVersion = () => execFileSync("git", ["--version"], { encoding: "utf8", timeout: 10_000 }).trim();

/** Returns the environment without GIT_*: a GIT_DIR from outside would send the crew's commands elsewhere. */
export function withoutGit(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GIT_")));
}

function git(
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; input: string; encoding: "utf8" | "latin1"; signal: AbortSignal } & {
    onWarning: ((words: string) => void) | undefined;
  },
): Promise<string> {
  options.signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, {
      cwd: options.cwd,
      env: options.env,
      stdio: "pipe",
      signal: options.signal,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding(options.encoding).on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.once("error", (error) => reject(options.signal.aborted ? options.signal.reason : error));
    child.once("close", (code, killed) => {
      if (code === 0) {
        if (stderr) options.onWarning?.(stderr);
        return resolve(options.encoding === "utf8" ? stdout.trim() : stdout);
      }
      const verb = args.find((arg, i) => !arg.startsWith("-") && args[i - 1] !== "-c");
      reject(
        options.signal.aborted
          ? options.signal.reason
          : new Error(`git ${verb} failed (${code ?? killed}): ${stderr.trim().slice(-1000)}`),
      );
    });
    child.stdin.on("error", () => {});
    child.stdin.end(options.input, options.encoding);
  });
}
