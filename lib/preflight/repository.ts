import type { PreflightFinding } from "../base/finding.ts";
import { voyageFolder } from "../base/paths.ts";
import { lookInto, sourceProblems } from "../git/source-problems.ts";
import { readSource } from "../git/voyage-repo.ts";
import type { VoyageIdentity } from "../voyage/identity.ts";
import { boundRepository, standingOf } from "../voyage/repository.ts";
import { aboutSubmodules } from "./submodules.ts";

/** The bound of a look, below that of a check, so that the reason is told. */
const REPO_MS = 9_000;

export type Looked = { findings: PreflightFinding[]; warnings: string[] };

/**
 * Checks that the repository with which a voyage begins can be read and cloned whole, or that it is the one on which
 * the voyage works already, which then need not be there any more.
 * @param voyage  the voyage that goes on; null when one begins
 */
export async function lookAtRepository(repo: string, stack: string, voyage: VoyageIdentity | null): Promise<Looked> {
  const options = { token: process.env.GH_TOKEN, timeoutMs: REPO_MS };
  const bound = voyage && (await boundRepository(voyage));
  if (!voyage || !bound) {
    if (repo === "") return { findings: [], warnings: [] };
    const source = await readSource(repo, options);
    const problems = await sourceProblems(repo, source, stack);
    const start = source.refs.get(`refs/heads/${stack}`) ?? source.refs.get("HEAD");
    const submodules = source.path !== undefined && start ? await aboutSubmodules(lookInto(source.path), start) : null;
    return {
      findings: problems.map((problem) => ({ what: "repository", ...problem })),
      warnings: submodules ? [submodules] : [],
    };
  }
  const standing = await standingOf(voyage, bound, repo, options);
  const submodules = await aboutSubmodules({ gitDir: voyageFolder(stack).repo }, `refs/heads/${stack}`);
  const warnings = submodules ? [submodules] : [];
  if (standing.is === "moved")
    return {
      findings: [],
      warnings: [
        ...warnings,
        `the repository's address is another than when voyage ${voyage.voyageId} began: it was ${standing.from}, it is ${repo}; its history is the same, and the voyage goes on`,
      ],
    };
  if (standing.is === "out of reach")
    return {
      findings: [],
      warnings: [
        ...warnings,
        `${standing.why.message}\n  voyage ${voyage.voyageId} needs it no more: it goes on from what its own folder holds`,
      ],
    };
  return { findings: [], warnings };
}
