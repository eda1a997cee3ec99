import { OcaptainError } from "../../../lib/base/errors.ts";
import { nearest } from "../../../lib/base/nearest.ts";
import { begunFrom, begunOn } from "../../../lib/git/base.ts";
import { git, gitLine } from "../../../lib/git/run.ts";
import type { LandingFile } from "../../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Place } from "./place.ts";
import { type RemoteRefs, unreached } from "./remote-refs.ts";

const FETCH_MS = 30 * 60_000;

/**
 * The branch into which a voyage lands.
 * - `tip`: its commit at the remote.
 * - `held`: the newest commit of it that the voyage's branch holds.
 * - `ahead`: how many commits it has that the voyage's branch has not.
 */
export type Base = { branch: string; tip: string; held: string; ahead: number };

/**
 * Chooses the branch: the one that was typed, else that of the landing before, else that from which the voyage began,
 * else the remote's own default.
 * @throws OcaptainError NO_BASE
 */
export async function chooseBase(
  { file, folder }: KnownVoyage,
  asked: string | undefined,
  landing: LandingFile | null,
  remote: RemoteRefs,
): Promise<string> {
  const { stack } = file;
  const named = asked ?? landing?.base;
  const refuse = (message: string, hint = `say which: ocaptain land ${stack} --base BRANCH`) =>
    new OcaptainError("NO_BASE", message, { hint });
  const names = [...remote.branches.keys()];
  if (named !== undefined) {
    if (remote.branches.has(named)) return named;
    const meant = nearest(named, names);
    throw refuse(`there is no branch ${named} to land in${meant ? `; did you mean ${meant}?` : ""}`);
  }
  const begun = (await begunFrom(folder.repo)).replace(/^refs\/heads\//, "");
  if (begun && remote.branches.has(begun)) return begun;
  if (begun)
    throw refuse(`the voyage began from ${begun}, which is no branch there: which branch it is to land in is for you to say`);
  const head = await begunOn(folder.repo);
  if (head && remote.branches.has(head)) return head;
  if (remote.defaultBranch !== null) return remote.defaultBranch;
  if (names.length === 0)
    throw refuse(
      "the repository to land in has no branch yet, and so no base for a pull request",
      `git -C ${folder.workspace} push ADDRESS HEAD:refs/heads/main  # makes its first branch of the voyage's`,
    );
  throw refuse("the repository to land in says of no branch that it is the one to land in");
}

/** The ref by which the voyage's own repository keeps what was fetched of the base. Ships may read it. */
const FETCHED = "refs/landing/base";

/**
 * Fetches the base into the voyage's own repository, and compares it with the voyage's branch.
 * @throws OcaptainError REMOTE; UNRELATED when the two have no commit in common
 */
export async function fetchBase(
  { file, folder }: KnownVoyage,
  place: Place,
  branch: string,
  tip: string,
  signal: AbortSignal,
): Promise<Base> {
  const gitDir = folder.repo;
  await place
    .git(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", place.address, `+refs/heads/${branch}:${FETCHED}`], {
      ...{ gitDir, timeoutMs: FETCH_MS, signal },
    })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw unreached(place, error);
    });
  const fetched = await gitLine(["rev-parse", "--verify", `${FETCHED}^{commit}`], { gitDir });
  return { branch, ...(await compare(gitDir, fetched, tip, `${branch} of ${place.address}`, file.stack)) };
}

/** Compares the base with another tip of the voyage's branch. */
export const rebased = async (gitDir: string, base: Base, tip: string): Promise<Base> => ({
  branch: base.branch,
  ...(await compare(gitDir, base.tip, tip, base.branch, "")),
});

async function compare(gitDir: string, base: string, tip: string, said: string, stack: string): Promise<Omit<Base, "branch">> {
  const found = await git(["merge-base", base, tip], { gitDir, okCodes: [0, 1] });
  const held = found.stdout.trim();
  if (!held)
    throw new OcaptainError("UNRELATED", `${said} has no commit in common with the voyage's branch`, {
      hint: `say where the voyage's repository came from: ocaptain land ${stack} --remote ADDRESS --base BRANCH`,
    });
  return { tip: base, held, ahead: Number(await gitLine(["rev-list", "--count", base, `^${tip}`], { gitDir })) };
}
