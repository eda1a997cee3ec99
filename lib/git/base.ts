import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { OcaptainError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { type GitConfig, type GitOptions, git, gitLine } from "./run.ts";
import { lookInto } from "./source-problems.ts";

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}._/+#@-]*$/u;
const NO_NAME = /\.\.|@\{|\/\/|\/\.|[/.]$|\.lock(\/|$)|^refs\/(?!(heads|tags)\/)/;
/** A whole commit id, or the beginning of one. */
const COMMIT = /^[0-9a-f]{7,40}$/;

/**
 * The name of a branch, a tag or a commit to begin from: what git allows as a name, and nothing that it would read as
 * an option, a pattern or a step through history.
 */
export const BaseName = z
  .string()
  .max(200)
  .refine((text) => NAME.test(text) && !NO_NAME.test(text), "must be the name of a branch or a tag, or a commit's id");

/** The refs for which the name of a base may stand. */
const refsOf = (base: string) => (base.startsWith("refs/") ? [base] : [`refs/heads/${base}`, `refs/tags/${base}`]);

/**
 * The refs of a source that a look at its base asks for: an annotated tag has its commit under a name of its own.
 */
export const refsToAsk = (base: string | undefined) =>
  (base === undefined ? [] : refsOf(base)).filter((ref) => !ref.startsWith("refs/heads/")).flatMap((ref) => [ref, `${ref}^{}`]);

/** The commit of a base among a source's refs; where it is none of them it is taken for a commit itself. */
export const commitIn = (refs: ReadonlyMap<string, string>, base: string): string =>
  refsOf(base).flatMap((ref) => refs.get(`${ref}^{}`) ?? refs.get(ref) ?? [])[0] ?? base;

/** The source in which a base is looked for: its refs, and where it is. */
type Source = { address: string; path: string | undefined; refs: ReadonlyMap<string, string>; config: GitConfig };

/**
 * Tells why a voyage cannot begin from `base`, before anything is cloned; null when it can, or when that could not be
 * told in time. A commit of a repository elsewhere is looked for among its commits, without files, in a folder that is
 * then deleted.
 */
export async function baseProblem(
  repo: string,
  source: Source,
  base: string,
  timeoutMs: number,
): Promise<{ message: string; hint: string } | null> {
  const named = refsOf(base).filter((ref) => source.refs.has(ref));
  if (named.length > 1)
    return aboutBase(repo, base, "both a branch and a tag", `say which: pulumi config set ocaptain:base ${named[0]}`);
  if (named.length === 1) return null;
  if (COMMIT.test(base)) {
    const held =
      source.path === undefined ? await holdsElsewhere(source, base, timeoutMs) : await holds(lookInto(source.path), base);
    if (held !== false) return null;
  }
  const names = [...source.refs.keys()].flatMap((ref) => (ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : []));
  const meant = nearest(base, names);
  return aboutBase(
    repo,
    base,
    "no branch, no tag, and no commit that one of them holds",
    `git ls-remote ${repo}, which lists what there is; to begin from its HEAD: pulumi config rm ocaptain:base`,
    meant && `; did you mean ${meant}?`,
  );
}

const aboutBase = (repo: string, base: string, what: string, hint: string, more: string | undefined = "") => ({
  message: `ocaptain:base is "${base}", which in repository "${repo}" is ${what}${more ?? ""}`,
  hint,
});

/**
 * Finds the commit of `base` in a bare clone of the source.
 * @throws OcaptainError BASE when there is none, or more than one
 */
export async function baseCommit(gitDir: string, repo: string, base: string): Promise<string> {
  const bare = { gitDir };
  const commits = await Promise.all(
    refsOf(base).map((ref) => gitLine(["rev-parse", "--verify", "--quiet", `${ref}^{commit}`], { ...bare, okCodes: [0, 1] })),
  );
  const found = commits.filter(Boolean);
  if (found.length === 1) return found[0]!;
  if (found.length === 0 && COMMIT.test(base) && (await holds(bare, base)))
    return gitLine(["rev-parse", "--verify", `${base}^{commit}`], bare);
  const what = found.length > 1 ? "both a branch and a tag" : "no branch, no tag, and no commit that one of them holds";
  const { message, hint } = aboutBase(repo, base, what, "pulumi config rm ocaptain:base  # to begin from its HEAD");
  throw new OcaptainError("BASE", message, { hint });
}

/** Whether HEAD, a branch or a tag of the repository holds a commit, so that a clone has it. */
async function holds(here: GitOptions, commit: string): Promise<boolean> {
  const known = await git(["rev-parse", "--verify", "--quiet", `${commit}^{commit}`], { ...here, okCodes: [0, 1, 128] });
  if (known.exitCode !== 0) return false;
  const id = known.stdout.trim();
  const refs = await git(["for-each-ref", "--count=1", `--contains=${id}`, "refs/heads", "refs/tags"], here);
  if (refs.stdout.trim()) return true;
  return (await git(["merge-base", "--is-ancestor", id, "HEAD"], { ...here, okCodes: [0, 1, 128] })).exitCode === 0;
}

async function holdsElsewhere({ address, refs, config }: Source, commit: string, timeoutMs: number): Promise<boolean | null> {
  if ([...refs.values()].some((id) => id.startsWith(commit))) return true;
  const scratch = await mkdtemp(join(tmpdir(), "oc-base-"));
  const bare = { gitDir: scratch, timeoutMs };
  try {
    await git(["init", "--quiet", "--bare", "--template=", "--", scratch]);
    const all = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    await git(["fetch", "--quiet", "--filter=tree:0", "--", address, ...all], { ...bare, config });
    return await holds(bare, commit);
  } catch {
    return null;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The setting of a voyage's own repository that says from which base it has begun. */
const BEGUN_FROM = "ocaptain.base";

/** Writes down, in a clone that has no name yet, from which base its voyage begins. */
export const noteBase = (gitDir: string, base: string) => git(["config", BEGUN_FROM, base], { gitDir });

/** The base that a voyage has begun from; "" when it has begun from its repository's HEAD. */
export const begunFrom = (gitDir: string) => gitLine(["config", "--get", BEGUN_FROM], { gitDir, okCodes: [0, 1] });

/** The setting that says on which branch the HEAD of the source was from which a voyage has begun. */
const BEGUN_ON = "ocaptain.head";

/** Writes down, in a bare clone whose HEAD is still that of its source, on which branch that was, if on any. */
export async function noteHead(gitDir: string): Promise<void> {
  const branch = await gitLine(["symbolic-ref", "--quiet", "--short", "HEAD"], { gitDir, okCodes: [0, 1] });
  if (branch) await git(["config", BEGUN_ON, branch], { gitDir });
}

/** The branch of the source's HEAD from which a voyage has begun; "" where there was none, or nobody has noted it. */
export const begunOn = (gitDir: string) => gitLine(["config", "--get", BEGUN_ON], { gitDir, okCodes: [0, 1] });
