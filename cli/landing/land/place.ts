import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { withHome } from "../../../lib/base/paths.ts";
import { type GitConfig, type GitOptions, type GitResult, git, gitLine } from "../../../lib/git/run.ts";
import { tokenConfig } from "../../../lib/git/server-token.ts";
import { localPath, lookInto } from "../../../lib/git/source-problems.ts";
import { meantRepo } from "../../../lib/plan/repo.ts";
import type { LandingFile } from "../../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import { gitAsCaptain, type Remote, remoteOf } from "../captains-git.ts";

/**
 * Where a voyage lands. A `server` is pushed to, also where it is a folder of this machine that serves others; a
 * `checkout` is a person's own repository, which is nobody's origin but the voyage's: it is given a branch, and nothing
 * that lies in it is run or changed besides.
 */
export type Place = Remote & {
  kind: "server" | "checkout";
  /** The address that the captain's git makes of it (`insteadOf`), without a name or a password. */
  reached: string;
  /** How people are told where that is. */
  said: string;
  /** Runs a git that reaches it. */
  git(args: readonly string[], options: GitOptions): Promise<GitResult>;
};

/**
 * Finds where the voyage lands: where `--remote` says, or said at the landing before, else where its repository came
 * from; of a folder of this machine that is the folder's own origin, or the folder itself where it has none.
 * @throws OcaptainError NO_REMOTE, USAGE
 */
export async function placeOf(voyage: KnownVoyage, asked: string | undefined, landing: LandingFile | null): Promise<Place> {
  const { repo } = voyage.folder;
  if (asked !== undefined) return at(repo, meant(asked));
  const { stack, repository } = voyage.file;
  const address = repository?.address ?? "";
  const path = pathOf(address);
  if (landing?.isRemoteNamed) return at(repo, landing.remote);
  const origin = path === undefined ? undefined : await originOf(path);
  if (path !== undefined && origin !== undefined) return at(repo, origin, await reachOf(path));
  if (address === "")
    throw new OcaptainError("NO_REMOTE", `voyage "${stack}" has no repository that it came from: there is nowhere to land`, {
      hint: `say where: ocaptain land ${stack} --remote ADDRESS`,
    });
  return at(repo, address);
}

/**
 * @param gitDir  the voyage's own repository, whose configuration says nothing of servers
 * @param reach  how a server is reached besides, as a person's own repository says it
 */
async function at(gitDir: string, address: string, reach: GitConfig = []): Promise<Place> {
  const path = pathOf(address);
  if (path !== undefined && !existsSync(path))
    throw new OcaptainError("NO_REMOTE", `there is no folder ${path}, in which the voyage would land`, {
      hint: "say where it is now: ocaptain land --remote ADDRESS",
    });
  if (path !== undefined && !(await isBare(path)))
    return { kind: "checkout", address: path, reached: path, config: [], said: `the repository in ${path}, as a branch`, git };
  const remote = remoteOf(address);
  const own = [...reach, ...remote.config];
  const tries = [own, ...[tokenConfig(remote.address, process.env.GH_TOKEN)].filter(({ length }) => length > 0)];
  const run: Place["git"] = async (args, options) => {
    for (const [nth, config] of tries.entries()) {
      try {
        return await gitAsCaptain(args, { ...options, config: [...config, ...(options.config ?? [])] });
      } catch (error) {
        // The voyage's repository was cloned by that token, where the captain's own git does not get in.
        if (nth === tries.length - 1 || !(error instanceof OcaptainError && NOT_LET_IN.test(error.message))) throw error;
      }
    }
    throw new Error("a git was tried, and neither ended nor failed");
  };
  const { stdout } = await run(["ls-remote", "--get-url", "--", remote.address], { gitDir });
  return { kind: "server", ...remote, reached: remoteOf(stdout.trim()).address, said: remote.address, git: run };
}

const NOT_LET_IN = /could not read (Username|Password)|Authentication failed|returned error: 40[13]/;

/** @throws OcaptainError USAGE */
function meant(text: string): string {
  const found = meantRepo(text, process.cwd());
  if ("problem" in found) throw new OcaptainError("USAGE", `--remote ${text} ${found.problem}`, { hint: "ocaptain land --help" });
  return pathOf(found.repo) ?? found.repo;
}

/** The path of an address on this machine, in full; undefined for one elsewhere, and for none. */
function pathOf(address: string): string | undefined {
  if (address === "") return undefined;
  if (/^file:/i.test(address)) return localPath(address, true);
  // A colon makes it an address elsewhere, unless a slash comes before.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address) || /^[^/.~][^/]*:/.test(address)) return undefined;
  return resolve(withHome(address));
}

const isBare = async (path: string): Promise<boolean> =>
  (await gitLine(["rev-parse", "--is-bare-repository"], lookInto(path))) === "true";

/**
 * How the captain's git reaches servers from a person's own repository: what its configuration says of that, and what
 * the captain's says for repositories in that folder (`includeIf`), as many do who are two people at one forge.
 */
async function reachOf(path: string): Promise<GitConfig> {
  const keys = "^(core\\.(sshcommand|askpass|gitproxy)|credential\\.|http\\.|url\\.|ssh\\.)";
  const { stdout } = await gitAsCaptain(["config", "--null", "--get-regexp", keys], { cwd: path, okCodes: [0, 1] });
  return stdout.split("\0").flatMap((pair) => {
    const [, key, value = ""] = /^([^\n]+)\n?([\s\S]*)$/.exec(pair) ?? [];
    return key === undefined ? [] : [[key, value] as const];
  });
}

/**
 * The origin of a person's repository; a path in it is relative to the repository. A bare one serves others, whatever
 * it was cloned from.
 */
async function originOf(path: string): Promise<string | undefined> {
  if (!existsSync(path) || (await isBare(path))) return undefined;
  const origin = await gitLine(["config", "--get", "remote.origin.url"], { ...lookInto(path), okCodes: [0, 1] });
  if (origin === "") return undefined;
  return pathOf(origin) === undefined ? origin : resolve(path, withHome(origin.replace(/^file:\/\//i, "")));
}
