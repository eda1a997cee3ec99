import { counted } from "../base/counted.ts";
import type { PreflightFinding } from "../base/finding.ts";
import { voyageFolder } from "../base/paths.ts";
import { plain } from "../base/text.ts";
import { baseProblem, commitIn } from "../git/base.ts";
import { lookInto, sourceProblems } from "../git/source-problems.ts";
import { readBranch, readSource } from "../git/voyage-repo.ts";
import type { VoyageIdentity } from "../voyage/identity.ts";
import { assertBase, boundRepository, standingOf } from "../voyage/repository.ts";
import { aboutSubmodules } from "./submodules.ts";
import { uncommitted } from "./uncommitted.ts";

/** The most uncommitted paths that the warning names. */
const NAMED = 5;
/** The bound of a look, below that of a check, so that the reason is told. */
const REPO_MS = 9_000;

/**
 * `outOfReach` says why the repository of a voyage that goes on cannot be read. `commit` is the one from which the
 * voyage's tasks start; it is absent where there is none, or it cannot be told.
 */
export type Looked = {
  findings: PreflightFinding[];
  warnings: string[];
  outOfReach?: string;
  commit?: string | undefined;
};

/**
 * Checks that the repository with which a voyage begins can be read and cloned whole, or that it is the one on which
 * the voyage works already, which then need not be there any more.
 * @param voyage  the voyage that goes on; null when one begins
 * @param base  the branch, tag or commit that the voyage begins from; the repository's HEAD when left out
 */
export async function lookAtRepository(
  repo: string,
  stack: string,
  voyage: VoyageIdentity | null,
  base?: string,
): Promise<Looked> {
  const end = Date.now() + REPO_MS;
  const options = { token: process.env.GH_TOKEN, timeoutMs: REPO_MS };
  const bound = voyage && (await boundRepository(voyage));
  if (!voyage || !bound) {
    if (repo === "") return { findings: base ? [noRepository(base, stack)] : [], warnings: [] };
    const source = await readSource(repo, { ...options, base });
    const problems = await sourceProblems(repo, source, stack);
    const unbased = base && problems.length === 0 && (await baseProblem(repo, source, base, Math.max(1_000, end - Date.now())));
    if (unbased) problems.push(unbased);
    const start = base ? commitIn(source.refs, base) : (source.refs.get(`refs/heads/${stack}`) ?? source.refs.get("HEAD"));
    const submodules = source.path !== undefined && start ? await aboutSubmodules(lookInto(source.path), start) : null;
    const behind = source.path === undefined ? null : leftBehind(repo, await uncommitted(source.path));
    return {
      findings: problems.map((problem) => ({ what: "repository", ...problem })),
      warnings: [submodules, behind].filter((warning) => warning !== null),
      commit: start,
    };
  }
  if (base) await assertBase(voyage, base);
  const standing = await standingOf(voyage, bound, repo, options);
  const submodules = await aboutSubmodules({ gitDir: voyageFolder(stack).repo }, `refs/heads/${stack}`);
  const warnings = submodules ? [submodules] : [];
  const commit = (await readBranch(voyageFolder(stack).repo, stack).catch(() => "")) || undefined;
  if (standing.is === "moved")
    return {
      findings: [],
      commit,
      warnings: [
        ...warnings,
        `the repository's address is another than when voyage ${voyage.voyageId} began: it was ${standing.from}, it is ${repo}; its history is the same, and the voyage goes on`,
      ],
    };
  if (standing.is === "out of reach") return { findings: [], warnings, outOfReach: standing.why.message, commit };
  return { findings: [], warnings, commit };
}

/** The warning about what a checkout holds and no commit has, by name; null when there is nothing. */
function leftBehind(repo: string, paths: readonly string[]): string | null {
  if (paths.length === 0) return null;
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : "";
  const names = paths.slice(0, NAMED).map((path) => plain(path, { most: 200 }));
  return `in "${repo}" ${counted(paths.length, "change")} that no commit has will not sail: ${names.join(", ")}${more}\n  if a task needs it, commit it first`;
}

const noRepository = (base: string, stack: string): PreflightFinding => ({
  what: "ocaptain:base",
  message: `is "${base}", and there is no repository that could have it`,
  hint: `pulumi config set ocaptain:repo -s ${stack}; or pulumi config rm ocaptain:base -s ${stack}`,
});
