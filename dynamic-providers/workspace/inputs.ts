import { z } from "zod";
import { BaseName } from "../../lib/git/base.ts";

export const WorkspaceInputs = z.object({
  stack: z.string(),
  voyageId: z.string(),
  /** A URL, or a path that counts from the project's folder; "" begins with nothing, as a sail without a plan does. */
  repo: z.string(),
  /** The branch, tag or commit that the branch begins from; absent for the repository's HEAD. */
  base: BaseName.optional(),
  /** The text of the plan's spec.md. */
  spec: z.string(),
  /** The text of the plan's verify.sh; null when the plan has none. */
  verify: z.string().nullable(),
});
export type WorkspaceInputs = z.infer<typeof WorkspaceInputs>;
