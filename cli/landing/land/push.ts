import { isAbsolute } from "node:path";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { plain, plainLines } from "../../../lib/base/text.ts";
import { git, gitLine } from "../../../lib/git/run.ts";
import { lookInto } from "../../../lib/git/source-problems.ts";
import type { LandingFile } from "../../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import { withoutSecrets } from "../captains-git.ts";
import type { Head } from "./heads.ts";
import type { Place } from "./place.ts";
import { unreached } from "./remote-refs.ts";
import { short } from "./standing.ts";

const PUSH_MS = 30 * 60_000;
const NONE = "0".repeat(40);

/** A branch that is to be pushed; `was` is its commit at the remote now, undefined where it is not there yet. */
export type Push = Head & { was: string | undefined };

/**
 * Finds the branches that are not at the remote yet as they are to be.
 *
 * A branch is moved in three cases only: it is not there; what is there is in the history of what comes; or it is at a
 * commit that a landing of this voyage has put there. All else is somebody's work.
 * @throws OcaptainError NOT_OURS, with whose commits are there
 */
export async function pushesOf(
  voyage: KnownVoyage,
  place: Place,
  ask: { heads: readonly Head[]; there: ReadonlyMap<string, string>; landing: LandingFile | null; signal: AbortSignal },
): Promise<Push[]> {
  const pushes: Push[] = [];
  for (const head of ask.heads) {
    const was = ask.there.get(head.branch);
    if (was === head.head) continue;
    if (was !== undefined && !isOurs(ask.landing, head.branch, was)) await assertHeld(voyage, place, { ...head, was }, ask);
    pushes.push({ ...head, was });
  }
  return pushes;
}

const isOurs = (landing: LandingFile | null, branch: string, commit: string): boolean =>
  [...(landing?.pushed ?? []), ...(landing?.pushing ?? [])].some((push) => push.branch === branch && push.head === commit);

const THEIRS = "refs/landing/theirs";
const MOST_NAMED = 5;

async function assertHeld(
  { file, folder }: KnownVoyage,
  place: Place,
  { branch, head, was }: Push,
  { landing, signal }: { landing: LandingFile | null; signal: AbortSignal },
): Promise<void> {
  const gitDir = folder.repo;
  await place
    .git(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", place.address, `+refs/heads/${branch}:${THEIRS}`], {
      ...{ gitDir, timeoutMs: PUSH_MS, signal },
    })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw unreached(place, error);
    });
  if ((await git(["merge-base", "--is-ancestor", was!, head], { gitDir, okCodes: [0, 1] })).exitCode === 0) return;
  const ours = (landing?.pushed ?? []).filter((push) => push.branch === branch).map((push) => push.head);
  // Of what an earlier landing has pushed, git may have thrown away what is pushed no more.
  const known = await git(["cat-file", "--batch-check=%(objecttype) %(objectname)"], { gitDir, stdin: `${ours.join("\n")}\n` });
  const without = [head, ...[...known.stdout.matchAll(/^commit (\w+)$/gm)].map(([, commit]) => commit!)];
  const range = [was!, ...without.map((commit) => `^${commit}`)];
  const log = await git(["log", `--max-count=${MOST_NAMED}`, "--format=%h %s, by %an", ...range, "--"], { gitDir });
  const lines = log.stdout
    .trim()
    .split("\n")
    .map((line) => `\n    | ${plain(line, { most: 200 })}`);
  const { stack } = file;
  throw new OcaptainError(
    "NOT_OURS",
    `branch ${branch} at ${place.address} holds what the voyage has not, and nothing was pushed:${lines.join("")}`,
    {
      hint: `another branch: ocaptain land ${stack} --branch NAME; or take it in: git -C ${folder.workspace} pull --no-rebase ${place.address} ${branch} && git -C ${folder.workspace} push  # then verify.sh runs again, and you land again`,
    },
  );
}

/**
 * Pushes the branches, each only if it is still where it was looked at. Whoever has moved one meanwhile wins.
 * @returns what the server has said besides, as many do: where a pull request is made
 * @throws OcaptainError PUSH, with what the server says
 */
export async function push({ folder }: KnownVoyage, place: Place, pushes: readonly Push[], signal: AbortSignal): Promise<string> {
  if (pushes.length === 0) return "";
  if (place.kind === "checkout") return intoCheckout(folder.repo, place, pushes);
  // A repository on this machine is served by a git of the captain, who would run its hooks, and their own.
  const served = isAbsolute(place.reached) ? ["--receive-pack=git -c core.hooksPath=/dev/null receive-pack"] : [];
  const leases = pushes.map(({ branch, was }) => `--force-with-lease=refs/heads/${branch}:${was ?? ""}`);
  const specs = pushes.map(({ branch, head }) => `${head}:refs/heads/${branch}`);
  const run = await place
    .git(["push", "--porcelain", "--no-verify", "--no-follow-tags", ...served, ...leases, "--", place.address, ...specs], {
      ...{ gitDir: folder.repo, timeoutMs: PUSH_MS, signal, okCodes: [0, 1] },
    })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw unreached(place, error);
    });
  const words = withoutSecrets(plainLines(run.stderr));
  const refused = run.stdout.split("\n").flatMap((line) => {
    const [, ref, why] = /^!\t[^\t]*?:(\S+)\t(.*)$/.exec(line) ?? [];
    return ref === undefined ? [] : [`${ref.replace("refs/heads/", "")}: ${plain(why ?? "")}`];
  });
  if (run.exitCode === 0) return remoteWords(words);
  if (refused.length === 0) throw unreached(place, new Error(words.trim()));
  const server = remoteWords(words);
  throw new OcaptainError(
    "PUSH",
    `${place.address} has refused the push of ${refused.join("; ")}${server ? `\n${server.replace(/^/gm, "    | ")}` : ""}`,
    {
      hint: "a protected branch, or a right that your account lacks: another branch by --branch; or ask who keeps the repository",
    },
  );
}

/** The lines of what git has printed that the server has sent. */
const remoteWords = (text: string): string =>
  text
    .split("\n")
    .flatMap((line) => /^remote: ?(.*?)\s*$/.exec(line)?.[1] || [])
    .slice(0, 20)
    .join("\n");

/**
 * Brings the branches into a person's own repository. By a fetch and not by a push, which would run that repository's
 * hooks; nor is a branch moved that lies checked out in a work tree there.
 */
async function intoCheckout(repo: string, { address }: Place, pushes: readonly Push[]): Promise<string> {
  const there = lookInto(address);
  const trees = await git(["worktree", "list", "--porcelain"], there);
  for (const { branch, head, was } of pushes) {
    const ref = `refs/heads/${branch}`;
    if (trees.stdout.split("\n").includes(`branch ${ref}`))
      throw new OcaptainError("PUSH", `branch ${branch} is checked out in ${address}, and is left alone`, {
        hint: `git -C ${address} switch --detach  # or another branch by --branch`,
      });
    await git(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", repo, head], { ...there, timeoutMs: PUSH_MS });
    await git(["update-ref", "-m", "ocaptain land", ref, head, was ?? NONE], there);
  }
  const tips = await gitLine(["rev-parse", ...pushes.map(({ branch }) => `refs/heads/${branch}`)], there);
  if (tips !== pushes.map(({ head }) => head).join("\n"))
    throw new OcaptainError("PUSH", `a branch in ${address} was moved meanwhile, and is not at ${short(pushes[0]!.head)}`);
  return "";
}
