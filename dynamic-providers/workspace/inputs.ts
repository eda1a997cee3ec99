import { z } from "zod";
import { BaseName } from "../../lib/git/base.ts";

export const WorkspaceInputs = z.object({
  stack: z.string(),
  voyageId: z.string(),
  /** A URL, or a path that counts from the project's folder; "" begins with nothing, as a sail without a plan does. */
  repo: z.string(),
  /** The branch, tag or commit that the branch begins from; absent for the repository's HEAD. */
  base: BaseName.optional(),
  /** The digest of the plan's spec.md and verify.sh. The plan lies in the captain's folder (lib/plan/kept-plan.ts). */
  textsDigest: z.string(),
});
export type WorkspaceInputs = z.infer<typeof WorkspaceInputs>;
