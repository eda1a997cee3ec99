import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { explain, OcaptainError } from "../errors.ts";
import { type VoyageFolder, withHome } from "../paths.ts";
import { inDotEnv } from "../secret-hints.ts";
import { type GitConfig, git, gitLine } from "./run.ts";
import { removeStaleLocks } from "./stale-locks.ts";

/** The captain's bare repository and checkout of one voyage, made from any readable source. */

export type PreparedRepo = {
  branch: string;
  /** The branch's commit now. */
  tip: string;
  /** The source is a folder here. Of a checkout only what is committed at its HEAD sails; edits that are not committed stay behind. */
  local: boolean;
};

/**
 * Makes `repo.git`, its branch and `workspace/` where they are missing; what is there is left as it is. A clone goes into a temporary name
 * first: a half one is never taken for whole, and is made anew.
 *
 * `repo`: a URL or a path (of a checkout or a bare repository); "" begins with nothing. `branch` starts at the source's HEAD, unless the source has a branch of that name.
 * An empty source gets one empty commit. Throws `REPO_UNREADABLE`, `REPO_URL_SECRET`.
 */
export async function prepareRepo(ask: {
  folder: VoyageFolder;
  repo: string;
  branch: string;
  token?: string | undefined;
}): Promise<PreparedRepo> {
  const { folder, branch } = ask;
  const source = resolveSource(ask.repo);
  await mkdir(folder.root, { recursive: true });
  if (!existsSync(folder.repo) && ask.repo === "") {
    await git(["init", "--quiet", "--bare", "--template=", "--", folder.repo], { cwd: folder.root });
  } else if (!existsSync(folder.repo)) {
    // no-local: by git's own transport also for a path, so nothing is hard-linked with, or configured by, the source.
    await cloneInto(folder.repo, ["--bare", "--no-local"], source.address, tokenConfig(source.address, ask.token)).catch(
      (cause) => {
        throw unreadable(ask.repo, cause);
      },
    );
  }
  const bare = { gitDir: folder.repo };
  const ref = `refs/heads/${branch}`;
  // What a git that was killed has left would refuse each change from here on.
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

/** The branch's commit; "" when there is no such branch. @throws OcaptainError GIT when it cannot be read, which is another thing. */
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

/** Can it be read? One bounded `ls-remote`. `head` is null for an empty repository. Throws `REPO_UNREADABLE`, `REPO_URL_SECRET`. */
export async function checkRepoReadable(
  repo: string,
  options: { token?: string | undefined; timeoutMs?: number } = {},
): Promise<{ head: string | null; local: boolean }> {
  const source = resolveSource(repo);
  const config = tokenConfig(source.address, options.token);
  try {
    const { stdout } = await git(["ls-remote", "--", source.address, "HEAD"], { config, timeoutMs: options.timeoutMs ?? 20_000 });
    return { head: /^([0-9a-f]{40})\tHEAD$/m.exec(stdout)?.[1] ?? null, local: source.local };
  } catch (cause) {
    throw unreadable(repo, cause);
  }
}

/** A URL stays; a path becomes absolute. A token or password in a URL is refused: it would be seen in argv, in state and in logs. */
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
  // git's short form host:path, unless a slash comes before the colon.
  if (/^[^/.][^/]*:/.test(repo)) return { address: repo, local: false };
  return { address: resolve(withHome(repo)), local: true };
}

/** Basic authorisation as GitHub takes it. A plan names the repository, so the token goes to GitHub (or GH_HOST) alone, and never in clear. */
export function tokenConfig(address: string, token: string | undefined): GitConfig {
  if (!token || !/^https:/i.test(address) || !URL.canParse(address)) return [];
  if (new URL(address).host !== (process.env.GH_HOST || "github.com")) return [];
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  return [[`http.${new URL(address).origin}/.extraHeader`, `Authorization: Basic ${basic}`]];
}

async function cloneInto(target: string, options: readonly string[], source: string, config: GitConfig): Promise<void> {
  const folder = dirname(target);
  const prefix = `.${basename(target)}.clone-`;
  for (const name of await readdir(folder))
    if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true });
  const half = join(folder, `${prefix}${randomBytes(4).toString("hex")}`);
  await git(["clone", "--quiet", "--template=", ...options, "--", source, half], { config, timeoutMs: 30 * 60_000, cwd: folder });
  await rename(half, target);
}

async function emptyCommit(repo: string): Promise<string> {
  const tree = await gitLine(["hash-object", "-t", "tree", "-w", "--stdin"], { gitDir: repo, stdin: "" });
  return gitLine(["commit-tree", tree, "-m", "An empty start"], { gitDir: repo });
}

function unreadable(repo: string, cause: unknown): OcaptainError {
  return new OcaptainError("REPO_UNREADABLE", `repository "${repo}" cannot be read: ${explain(cause)}`, {
    hint: `git ls-remote ${repo} HEAD`,
    cause,
  });
}
