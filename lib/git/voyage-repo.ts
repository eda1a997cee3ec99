import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { OcaptainError } from "../base/errors.ts";
import { type VoyageFolder, withHome } from "../base/paths.ts";
import { inDotEnv } from "../base/secret-hints.ts";
import { baseCommit, noteBase, noteHead, refsToAsk } from "./base.ts";
import { type GitConfig, git, gitLine } from "./run.ts";
import { EMPTY_START } from "./same-history.ts";
import { tokenConfig } from "./server-token.ts";
import { localPath } from "./source-problems.ts";
import { removeStaleLocks } from "./stale-locks.ts";
import { unreadable } from "./unreadable.ts";

/** The captain's bare repository and checkout of one voyage, made from any source that can be read. */
export type PreparedRepo = {
  branch: string;
  /** The newest commit of the branch. */
  tip: string;
  /**
   * Whether the source is a folder on this machine. Of a checkout only what is committed at its HEAD sails; other edits
   * stay behind.
   */
  local: boolean;
};

/**
 * Makes `repo.git`, its branch and `workspace/` where they are missing, and leaves what is there as it is. A clone goes
 * to a temporary name first, so that one that was cut off is never taken for whole, and is made again.
 *
 * `repo` is a URL, or the path of a checkout or a bare repository; "" begins with nothing. `branch` starts at `base`;
 * without one it starts at the source's HEAD, unless the source has a branch of that name. An empty source gets one
 * empty commit.
 * @throws OcaptainError REPO_UNREADABLE, REPO_URL_SECRET, BASE
 */
export async function prepareRepo(ask: {
  folder: VoyageFolder;
  repo: string;
  base?: string | undefined;
  branch: string;
  token?: string | undefined;
}): Promise<PreparedRepo> {
  const { folder, branch, base } = ask;
  const source = resolveSource(ask.repo);
  await mkdir(folder.root, { recursive: true });
  if (!existsSync(folder.repo) && ask.repo === "") {
    await git(["init", "--quiet", "--bare", "--template=", "--", folder.repo], { cwd: folder.root });
  } else if (!existsSync(folder.repo)) {
    // With --no-local a path is cloned by git's own transport too, so nothing is hard-linked with the source or
    // configured by it. A shallow clone would lack the history that ships push against; preflight finds one only on
    // this machine.
    await cloneInto(
      folder.repo,
      ["--bare", "--no-local", "--reject-shallow"],
      source.address,
      tokenConfig(source.address, ask.token),
      (half) => (base === undefined ? noteHead(half) : beginFrom(half, ask.repo, base, branch)),
    ).catch((cause) => {
      if (cause instanceof OcaptainError && cause.code === "BASE") throw cause;
      throw unreadable({ repo: ask.repo, path: localPath(source.address, source.local) }, cause);
    });
  }
  const bare = { gitDir: folder.repo };
  const ref = `refs/heads/${branch}`;
  // A lock that a killed git has left would refuse each change from here on.
  await removeStaleLocks(folder.repo);
  let tip = await readBranch(folder.repo, branch);
  if (!tip) {
    tip = await gitLine(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], { ...bare, okCodes: [0, 1] });
    tip ||= await emptyCommit(folder.repo);
    await git(["update-ref", ref, tip, "0".repeat(40)], bare);
  }
  await git(["symbolic-ref", "HEAD", ref], bare);
  if (!existsSync(folder.workspace)) {
    await cloneInto(folder.workspace, ["--branch", branch, "--single-branch"], folder.repo, []);
  }
  return { branch, tip, local: source.local };
}

/** Sets the voyage's branch in a clone that has no name yet, so that one which has its name always has its branch. */
async function beginFrom(half: string, repo: string, base: string, branch: string): Promise<void> {
  const commit = await baseCommit(half, repo, base);
  await git(["update-ref", `refs/heads/${branch}`, commit], { gitDir: half });
  await noteBase(half, base);
}

/**
 * Reads the commit of a branch; "" when there is no such branch. @throws OcaptainError GIT when there is one that
 * cannot be read
 */
export async function readBranch(gitDir: string, branch: string): Promise<string> {
  const ref = `refs/heads/${branch}`;
  const { stdout, stderr } = await git(["rev-parse", "--verify", "--quiet", `${ref}^{commit}`], { gitDir, okCodes: [0, 1] });
  const commit = stdout.trim();
  if (commit || !existsSync(join(gitDir, ref))) return commit;
  throw new OcaptainError(
    "GIT",
    `branch ${branch} in ${gitDir} cannot be read${stderr ? `: ${stderr.trim().slice(-500)}` : ""}`,
    {
      hint: `git --git-dir ${gitDir} fsck`,
    },
  );
}

/** A source with what a look at it found. */
export type Source = {
  address: string;
  /** The path of a source on this machine; undefined for a source elsewhere. */
  path: string | undefined;
  /**
   * The commits of HEAD and of the branches, by their whole names, and what a base may name besides; none when the
   * source is empty.
   */
  refs: Map<string, string>;
  /** Settings for further calls of git to it, with the token where that may go there. */
  config: GitConfig;
};

/** Looks at a source by one bounded `ls-remote`. @throws OcaptainError REPO_UNREADABLE, REPO_URL_SECRET */
export async function readSource(
  repo: string,
  options: { token?: string | undefined; timeoutMs?: number; base?: string | undefined } = {},
): Promise<Source> {
  const { address, local } = resolveSource(repo);
  const path = localPath(address, local);
  const config = tokenConfig(address, options.token);
  try {
    const { stdout } = await git(["ls-remote", "--", address, "HEAD", "refs/heads/*", ...refsToAsk(options.base)], {
      config,
      timeoutMs: options.timeoutMs ?? 20_000,
    });
    const refs = new Map([...stdout.matchAll(/^([0-9a-f]{40,64})\t(\S+)$/gm)].map(([, id, ref]) => [ref!, id!]));
    return { address, path, refs, config };
  } catch (cause) {
    throw unreadable({ repo, path }, cause);
  }
}

/** The address as git is told it; "", which stands for no repository, stays "". */
export const addressOf = (repo: string) => repo && resolveSource(repo).address;

/** The path of a repository of this machine; undefined for one elsewhere, and where there is none. */
export function sourcePath(repo: string): string | undefined {
  if (repo === "") return undefined;
  const { address, local } = resolveSource(repo);
  return localPath(address, local);
}

/**
 * Makes a path absolute, and leaves a URL. Refuses a token or password in a URL, since it would be seen in argv, in
 * state and in logs.
 */
function resolveSource(repo: string): { address: string; local: boolean } {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(repo)) {
    const url = URL.canParse(repo) ? new URL(repo) : null;
    if (url?.password || (url?.username && /^https?:$/.test(url.protocol))) {
      throw new OcaptainError(
        "REPO_URL_SECRET",
        `the address of repository "${url.host}${url.pathname}" carries a name or a password`,
        {
          hint: `take it out of the URL; for a private repository: ${inDotEnv("GH_TOKEN")}`,
        },
      );
    }
    return { address: repo, local: url?.protocol === "file:" };
  }
  // This is git's short form host:path, unless a slash comes before the colon.
  if (/^[^/.][^/]*:/.test(repo)) return { address: repo, local: false };
  return { address: resolve(withHome(repo)), local: true };
}

/**
 * Clones into a temporary folder beside `target`, and gives it that name when it is whole, which it is when `finish`
 * has done its part.
 */
async function cloneInto(
  target: string,
  options: readonly string[],
  source: string,
  config: GitConfig,
  finish?: (half: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(target);
  const prefix = `.${basename(target)}.clone-`;
  for (const name of await readdir(folder))
    if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true });
  const half = join(folder, `${prefix}${randomBytes(4).toString("hex")}`);
  await git(["clone", "--quiet", "--template=", ...options, "--", source, half], { config, timeoutMs: 30 * 60_000, cwd: folder });
  await finish?.(half).catch(async (error: unknown) => {
    await rm(half, { recursive: true, force: true });
    throw error;
  });
  await rename(half, target);
}

async function emptyCommit(repo: string): Promise<string> {
  const tree = await gitLine(["hash-object", "-t", "tree", "-w", "--stdin"], { gitDir: repo, stdin: "" });
  return gitLine(["commit-tree", tree, "-m", EMPTY_START.subject], { gitDir: repo });
}
