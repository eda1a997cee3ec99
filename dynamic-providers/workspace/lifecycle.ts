import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { addressOf, prepareRepo, readBranch } from "../../lib/git/voyage-repo.ts";
import { keptPlan, textsDigest } from "../../lib/plan/kept-plan.ts";
import type { Plan } from "../../lib/plan/types.ts";
import { readVoyageIdentity } from "../../lib/voyage/identity.ts";
import { assertBase, boundRepository, recordRepository, standingOf } from "../../lib/voyage/repository.ts";
import { defineLifecycle } from "../lifecycle.ts";
import { WorkspaceInputs } from "./inputs.ts";
import { assertNothingLost } from "./nothing-lost.ts";

type Outputs = { branch: string };

/**
 * The captain's folder: the voyage's bare repository with its branch, a checkout to look at, and the plan's artifacts.
 * It outlives a destroy.
 */
export const workspaceLifecycle = defineLifecycle<WorkspaceInputs, Outputs>({
  inputs: WorkspaceInputs,
  id: (news) => `${news.stack}-${news.voyageId}`,
  replaceOn: ["stack", "voyageId"],

  /** States of earlier versions have the texts themselves. */
  asNow: ({ spec, verify, ...olds }) =>
    spec === undefined ? olds : { ...olds, textsDigest: textsDigest({ spec, verify } as Pick<Plan, "spec" | "verify">) },

  async reconcile(_settings, news) {
    const folder = voyageFolder(news.stack);
    await assertOwn(news);
    await prepareRepo({ folder, repo: news.repo, base: news.base, branch: news.stack, token: process.env.GH_TOKEN });
    await recordRepository(news.stack, addressOf(news.repo));
    const plan = await keptPlan(news.stack, (plan) => textsDigest(plan) === news.textsDigest);
    await writeAtomically(join(folder.artifacts, "spec.md"), plan.spec);
    const verify = join(folder.artifacts, "verify.sh");
    if (plan.verify === null) await rm(verify, { force: true });
    else await writeAtomically(verify, plan.verify, 0o755);
    return { branch: news.stack };
  },

  async read(_settings, props) {
    const { repo, workspace } = voyageFolder(props.stack);
    const there = await Promise.all([readBranch(repo, props.stack), access(workspace)]).then(
      ([tip]) => tip !== "",
      () => false,
    );
    return { ...props, present: there };
  },

  /**
   * Removes nothing: what the fleet delivered outlives it. Muster deletes the folder where the captain asked for that.
   */
  async remove() {},
});

/** The longest that the comparison of two histories may take, which is far less than a clone. */
const COMPARE_MS = 60_000;

/**
 * Makes sure that the repository is the voyage's, as preflight does, for whoever calls. The source is asked only when
 * its address differs from the voyage's, because a voyage at sea does not need it.
 * @throws OcaptainError ANOTHER_REPOSITORY, ANOTHER_BASE, WORK_GONE
 */
async function assertOwn({ stack, voyageId, repo, base }: WorkspaceInputs): Promise<void> {
  const voyage = (await readVoyageIdentity(stack)) ?? { stack, voyageId };
  await assertNothingLost(voyage);
  const bound = await boundRepository(voyage);
  if (bound && addressOf(repo) !== bound.address)
    await standingOf(voyage, bound, repo, { token: process.env.GH_TOKEN, timeoutMs: COMPARE_MS });
  if (bound && base) await assertBase(voyage, base);
}
