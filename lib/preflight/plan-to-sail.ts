import { join, resolve } from "node:path";
import type { PreflightFinding } from "../base/finding.ts";
import { voyageFolder } from "../base/paths.ts";
import type { PlanFinding } from "../plan/findings.ts";
import { loadPlan } from "../plan/load.ts";
import { onRepository, readSailedPlan } from "../plan/sailed-plan.ts";
import type { Plan } from "../plan/types.ts";
import type { VoyageIdentity } from "../voyage/identity.ts";

/**
 * The plan that sails. `gone` says, of a plan whose folder is not there, what its voyage goes on without; `warnings`
 * say what in its files is not so, and does no harm.
 */
export type PlanToSail = { plan: Plan; gone?: string; warnings?: string[] } | { findings: PreflightFinding[] };

/**
 * Reads the plan in `folder`. Where that folder is not there any more, a voyage that has sailed from it goes on with
 * the plan that its ledger keeps. A folder that is there counts, whatever is wrong in it; and another folder than the
 * voyage's is another plan.
 *
 * @param repo  `ocaptain:repo`, if it is set
 * @param voyage  the voyage that goes on; null when one begins
 */
export async function planToSail(folder: string, repo: string | undefined, voyage: VoyageIdentity | null): Promise<PlanToSail> {
  const sailed = voyage && readSailedPlan(voyageFolder(voyage.stack).ledger);
  const loaded = await loadPlan(folder, { repo, sailedRepo: sailed?.plan.repo });
  if ("plan" in loaded)
    return {
      plan: loaded.plan,
      warnings: loaded.warnings.map((warning) => planFinding(folder, warning)).map(({ what, message }) => `${what} ${message}`),
    };
  const missing = `there is no such folder; it would be ${resolve(folder)}`;
  if (!loaded.isMissing || !voyage) return { findings: loaded.findings.map((finding) => planFinding(folder, finding)) };
  const { voyageId, stack } = voyage;
  const refused = (message: string, hint: string) => ({ findings: [{ what: `plan ${folder}`, message, hint }] });
  if (!sailed)
    return refused(
      `${missing}. Voyage ${voyageId} has kept no whole copy of its plan, as it last sailed by an earlier version`,
      `put the plan back, or name its folder: pulumi config set ocaptain:plan -s ${stack}; the next up keeps a copy`,
    );
  if (sailed.folder !== resolve(folder))
    return refused(
      `${missing}. Voyage ${voyageId} sails ${sailed.folder ? `the plan of ${sailed.folder}` : "without a plan"}, so this would be another`,
      `name a plan that is there; or go on as the voyage does: ${
        sailed.folder
          ? `pulumi config set ocaptain:plan ${sailed.folder} -s ${stack}`
          : `pulumi config rm ocaptain:plan -s ${stack}`
      }`,
    );
  const plan = repo === undefined || repo === sailed.plan.repo ? sailed.plan : onRepository(sailed.plan, repo);
  return {
    plan,
    gone: `plan ${folder}: ${missing}. It sails as it was at the last up: changes of it are not followed until it is back, or ocaptain:plan names where it is`,
  };
}

const planFinding = (plan: string, { file, field, message }: PlanFinding): PreflightFinding => ({
  what: `${join(plan, file)}${field && ` ${field}`}`,
  message,
  hint: "",
});
