import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { withHome } from "../../../lib/base/paths.ts";
import { type GitOptions, type GitResult, git, gitLine } from "../../../lib/git/run.ts";
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
  if (asked !== undefined) return at(meant(asked));
  const { stack, repository } = voyage.file;
  const address = repository?.address ?? "";
  const path = pathOf(address);
  if (landing?.isRemoteNamed) return at(landing.remote);
  const own = path === undefined ? address : ((await originOf(path)) ?? address);
  if (own === "")
    throw new OcaptainError("NO_REMOTE", `voyage "${stack}" has no repository that it came from: there is nowhere to land`, {
      hint: `say where: ocaptain land ${stack} --remote ADDRESS`,
    });
  return at(own);
}

async function at(address: string): Promise<Place> {
  const path = pathOf(address);
  if (path !== undefined && !existsSync(path))
    throw new OcaptainError("NO_REMOTE", `there is no folder ${path}, in which the voyage would land`, {
      hint: "say where it is now: ocaptain land --remote ADDRESS",
    });
  if (path !== undefined && !(await isBare(path)))
    return { kind: "checkout", address: path, config: [], said: `the repository in ${path}, as a branch`, git };
  const remote = remoteOf(address);
  const reach: Place["git"] = (args, options) =>
    gitAsCaptain(args, { ...options, config: [...remote.config, ...(options.config ?? [])] });
  return { kind: "server", ...remote, said: remote.address, git: reach };
}

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
 * The origin of a person's repository; a path in it is relative to the repository. A bare one serves others, whatever
 * it was cloned from.
 */
async function originOf(path: string): Promise<string | undefined> {
  if (!existsSync(path) || (await isBare(path))) return undefined;
  const origin = await gitLine(["config", "--get", "remote.origin.url"], { ...lookInto(path), okCodes: [0, 1] });
  if (origin === "") return undefined;
  return pathOf(origin) === undefined ? origin : resolve(path, withHome(origin.replace(/^file:\/\//i, "")));
}
