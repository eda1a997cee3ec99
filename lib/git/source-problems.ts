import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type GitOptions, git, gitLine } from "./run.ts";

/** A reason why no voyage can begin from a repository that can be read, and what helps. */
export type SourceProblem = { message: string; hint: string };

const OBJECTS_MS = 7_000;

/**
 * Finds what keeps a source that can be read from being cloned whole, or worked on. A clone would find it too, but in
 * the midst of an `up` and in git's words.
 *
 * @param source.path the path of a source on this machine; undefined for a source elsewhere, of which only the refs can
 * be looked at
 */
export async function sourceProblems(
  repo: string,
  source: { path: string | undefined; refs: ReadonlyMap<string, string> },
  branch: string,
): Promise<SourceProblem[]> {
  const problems: SourceProblem[] = [];
  const below = [...source.refs.keys()].find((ref) => ref.startsWith(`refs/heads/${branch}/`));
  if (below)
    problems.push({
      message: `repository "${repo}" has a branch ${below.slice("refs/heads/".length)}, and beside it there can be no branch ${branch}, which the voyage's is`,
      hint: `another name for the stack: pulumi stack init; or another name for that branch of the repository`,
    });
  const here = source.path === undefined ? null : lookInto(source.path);
  const [format, shallow] = here
    ? (await gitLine(["rev-parse", "--show-object-format", "--is-shallow-repository"], here)).split("\n")
    : [[...source.refs.values()].some((id) => id.length === 64) ? "sha256" : "sha1", "false"];
  if (format !== "sha1")
    problems.push({
      message: `repository "${repo}" names its objects by ${format}; a voyage works on repositories of git's usual kind, sha1, only`,
      hint: "a repository made by: git init --object-format=sha1",
    });
  if (shallow === "true") problems.push({ message: `${shallowRepo(repo)}`, hint: `git -C ${source.path} fetch --unshallow` });
  if (here && (await lacksObjects(here))) {
    const origin = await gitLine(["config", "--get", "remote.origin.url"], { ...here, okCodes: [0, 1] });
    problems.push({
      message: `repository "${repo}" is a partial clone (git clone --filter): some of what it holds is only where it was cloned from`,
      hint: `sail what it was cloned from: pulumi config set ocaptain:repo${origin && ` ${origin}`}; or make it whole: git -C ${source.path} -c remote.origin.partialclonefilter= fetch --refetch`,
    });
  }
  return problems;
}

/** The message about a shallow clone. */
export const shallowRepo = (repo: string) =>
  `repository "${repo}" is a shallow clone (git clone --depth): its history is cut off`;

/** The path of a source on this machine; undefined for another source. */
export const localPath = (address: string, local: boolean) =>
  !local ? undefined : address.startsWith("file:") ? fileURLToPath(address) : address;

/** The options by which git looks into a repository: it takes a bare one only by name. */
export const lookInto = (path: string): GitOptions => (existsSync(join(path, ".git")) ? { cwd: path } : { gitDir: path });

/**
 * Whether a partial clone lacks objects that its branches need. False for a clone that is whole, and when the answer
 * takes too long.
 */
async function lacksObjects(here: GitOptions): Promise<boolean> {
  const promisor = await git(["config", "--get-regexp", "^(extensions\\.partialclone|remote\\..*\\.promisor)$"], {
    ...here,
    okCodes: [0, 1],
  });
  if (!promisor.stdout.trim()) return false;
  const missing = await git(["rev-list", "--objects", "--all", "--quiet", "--missing=print"], {
    ...here,
    timeoutMs: OBJECTS_MS,
    env: { GIT_NO_LAZY_FETCH: "1" },
  }).catch(() => null);
  return missing?.stdout.includes("?") ?? false;
}
