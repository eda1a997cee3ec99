import { z } from "zod";

/** A plan as it sails: read from a plan folder, checked, and free of paths, so that it can be a resource input (design 12). */

export const PlanTask = z.object({
  id: z.string(),
  subject: z.string(),
  description: z.string(),
  activeForm: z.string().optional(),
  blocks: z.array(z.string()),
  blockedBy: z.array(z.string()),
  /** Free. Ours: `rehearsal`, `check` (shell commands), `timeoutSeconds`, `tries`. */
  metadata: z.record(z.string(), z.unknown()),
});
export type PlanTask = z.infer<typeof PlanTask>;

export const Plan = z.object({
  /** voyage.json's `name`. */
  name: z.string(),
  /** First heading or objective of spec.md. */
  purpose: z.string(),
  /** A URL, a local path, or "." (this checkout), as voyage.json or `ocaptain:repo` says. */
  repo: z.string(),
  recommendedShips: z.number().int().positive().nullable(),
  /** The most tasks that can run at one time, by the graph. */
  width: z.number().int(),
  spec: z.string(),
  /** Text of verify.sh, or null when the plan has none. */
  verify: z.string().nullable(),
  tasks: z.array(PlanTask),
  /** sha256 of the canonical JSON of all the above. */
  digest: z.string(),
});
export type Plan = z.infer<typeof Plan>;

/** What a changed plan does to a ledger; ids, each in one list only. */
export const PlanChanges = z.object({
  added: z.array(z.string()),
  updated: z.array(z.string()),
  cancelled: z.array(z.string()),
  /** Changed in the plan, but claimed or accepted: they keep their old text. */
  kept: z.array(z.string()),
});
export type PlanChanges = z.infer<typeof PlanChanges>;
