import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../../lib/atomic-file.ts";
import { prepareRepo } from "../../lib/git/voyage-repo.ts";
import { voyageFolder } from "../../lib/paths.ts";
import { defineLifecycle } from "../lifecycle.ts";

const WorkspaceInputs = z.object({
  stack: z.string(),
  voyageId: z.string(),
  /** A URL or a path; "." is the project's own checkout. */
  /** "" begins with nothing (an empty sail). */
  repo: z.string(),
  spec: z.string(),
  verify: z.string().nullable(),
});
type Inputs = z.infer<typeof WorkspaceInputs>;
type Outputs = { branch: string };

/** The captain's folder: the voyage's bare repository with its branch, a checkout to look at, and the plan's artifacts. Outlives destroy. */
export const workspaceLifecycle = defineLifecycle<Inputs, Outputs>({
  inputs: WorkspaceInputs,
  id: (news) => `${news.stack}-${news.voyageId}`,
  replaceOn: ["stack", "voyageId"],

  async reconcile(_settings, news) {
    const folder = voyageFolder(news.stack);
    await prepareRepo({ folder, repo: news.repo, branch: news.stack, token: process.env.GH_TOKEN });
    await writeAtomically(join(folder.artifacts, "spec.md"), news.spec);
    const verify = join(folder.artifacts, "verify.sh");
    if (news.verify === null) await rm(verify, { force: true });
    else await writeAtomically(verify, news.verify, 0o755);
    return { branch: news.stack };
  },

  async read(_settings, props) {
    const { repo, workspace } = voyageFolder(props.stack);
    const there = await Promise.all([access(join(repo, "HEAD")), access(workspace)]).then(
      () => true,
      () => false,
    );
    return { ...props, present: there };
  },

  /** Nothing: what the fleet delivered outlives it. Muster removes the folder when the captain asked for that. */
  async remove() {},
});
