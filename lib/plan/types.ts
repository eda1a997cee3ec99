import { z } from "zod";

/** A plan as it sails: read from a plan folder, checked, and free of paths, so that it can be a resource input. */

/**
 * How the hand `claude` works: of a plan (`claude` in voyage.json) and, over it, of a task (`metadata.claude`). What is not set is
 * Claude Code's own default, but for the model, which is always named.
 */
export const HandSettings = z.object({
  /** A model's name or alias. @default "opus" */
  model: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:@/[\]-]*$/, "must be a model's name")
    .max(200)
    .optional(),
  effort: z.enum(["low", "medium", "high", "xhigh", "max"]).optional(),
  /** Turns a run may take. */
  maxTurns: z.int().min(1).max(10_000).optional(),
  /** What a task may spend in all its runs together, by Claude Code's own count at list prices. */
  budgetUsd: z.number().positive().max(100_000).optional(),
});
export type HandSettings = z.infer<typeof HandSettings>;

/** voyage.json's `claude`. `interactive`: one session with Claude Code's own screen on each ship, which claims its tasks itself. */
export const PlanHandSettings = HandSettings.extend({ interactive: z.boolean().optional() });
export type PlanHandSettings = z.infer<typeof PlanHandSettings>;

/** A command that each ship runs after its first checkout and before its first task, in its tree. */
export const ProvisionStep = z.object({
  /** A shell command, run by `bash -c`. */
  run: z.string(),
  timeoutSeconds: z.number().positive(),
});
export type ProvisionStep = z.infer<typeof ProvisionStep>;

/** What each ship may reach: these names and no others, but for its own loopback. */
export const PlanNetwork = z.object({
  /** Lower case: `api.example.com`, or `*.example.com` for all below it. Empty: nothing. */
  allow: z.array(z.string()),
});
export type PlanNetwork = z.infer<typeof PlanNetwork>;

export const PlanTask = z.object({
  id: z.string(),
  subject: z.string(),
  description: z.string(),
  activeForm: z.string().optional(),
  blocks: z.array(z.string()),
  blockedBy: z.array(z.string()),
  /** Free. Ours: `rehearsal`, `check` (shell commands), `timeoutSeconds`, `tries`, `claude` ({@link HandSettings}). */
  metadata: z.record(z.string(), z.unknown()),
});
export type PlanTask = z.infer<typeof PlanTask>;

export const Plan = z.object({
  /** voyage.json's `name`. */
  name: z.string(),
  /** First heading or objective of spec.md. */
  purpose: z.string(),
  /**
   * A URL or a local path, as lib/plan/repo.ts has read it; a relative one counts from the project's folder. "" for an empty sail without one: it begins
   * with nothing.
   */
  repo: z.string(),
  recommendedShips: z.number().int().positive().nullable(),
  /**
   * The most tasks that can run at one time, by the graph. Nothing reads it; it stays because the digest covers it and plans stand in the
   * state of voyages, which would all show a change without it.
   */
  width: z.number().int(),
  spec: z.string(),
  /** Text of verify.sh, or null when the plan has none. */
  verify: z.string().nullable(),
  tasks: z.array(PlanTask),
  /** voyage.json's `timeoutSeconds`: of each task whose metadata has none. */
  timeoutSeconds: z.number().positive().optional(),
  /** voyage.json's `claude`. */
  claude: PlanHandSettings.optional(),
  /** An empty sail: its one task is to wait for the captain's orders, and is never done for good (lib/plan/empty-sail.ts). */
  orders: z.literal(true).optional(),
  /** voyage.json's `provision`, in order; absent when there is none. */
  provision: z.array(ProvisionStep).optional(),
  /** voyage.json's `network`; without it ships reach everything. */
  network: PlanNetwork.optional(),
  /** voyage.json's `github`: the captain's GH_TOKEN goes to the hand on each ship. */
  github: z.literal(true).optional(),
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
