import { z } from "zod";

// The types of a plan as it sails: read from a plan folder and checked. Its digest stands for it in Pulumi's state.

/** The model that Claude Code is told where neither the plan nor the task names one. The helm names it to each ship. */
export const DEFAULT_MODEL = "opus";

/** The name of a model, or its alias, as Claude Code takes it. */
export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:@/[\]-]*$/;

/**
 * How the hand `claude` works: the settings of a plan (`claude` in voyage.json) or, which go before them, those of a
 * task (`metadata.claude`). What is not set is left to Claude Code's own default, except for the model, which is always
 * named.
 */
export const HandSettings = z.object({
  /** @default {@link DEFAULT_MODEL} */
  model: z
    .string()
    .regex(MODEL_NAME, "must be a model's name")
    .max(200)
    .optional()
    .meta({ description: "the model's name or alias", otherwise: `\`${DEFAULT_MODEL}\`` }),
  effort: z
    .enum(["low", "medium", "high", "xhigh", "max"])
    .optional()
    .meta({ description: "how much it thinks: `low`, `medium`, `high`, `xhigh` or `max`", otherwise: "Claude Code's own" }),
  maxTurns: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .meta({ description: "the most turns that one run may take", otherwise: "no bound" }),
  budgetUsd: z.number().positive().max(100_000).optional().meta({
    description:
      "the most US dollars for a task in all its runs together, by Claude Code's own count at list prices, or by `prices`",
    otherwise: "no bound",
  }),
});
export type HandSettings = z.infer<typeof HandSettings>;

/** A price in US dollars for a million tokens. */
const price = z.number().nonnegative().max(100_000);
/** What a million tokens of one model cost, in US dollars. */
export const ModelPrices = z.object({
  input: price.meta({ description: "a million tokens that the model reads, those of a cache apart" }),
  output: price.meta({ description: "a million tokens that the model writes" }),
  cacheRead: price.optional().meta({ description: "a million tokens that are read from a cache", otherwise: "as `input`" }),
  cacheWrite: price.optional().meta({ description: "a million tokens that are put into a cache", otherwise: "as `input`" }),
});
export type ModelPrices = z.infer<typeof ModelPrices>;
/** Prices by the model's name, as the API is asked for it. */
export const Prices = z.record(z.string(), ModelPrices);
export type Prices = z.infer<typeof Prices>;

/**
 * The settings as a ship is told them: with a model in any case, since the crew knows no default, and with the plan's
 * prices.
 */
export const SessionSettings = HandSettings.required({ model: true }).extend({ prices: Prices.optional() });
export type SessionSettings = z.infer<typeof SessionSettings>;

/**
 * The settings in `claude` of voyage.json. With `interactive` each ship has one session in Claude Code's own screen,
 * which claims its tasks itself.
 */
export const PlanHandSettings = HandSettings.extend({
  interactive: z.boolean().optional().meta({
    description: "whether each ship has one session in Claude Code's own screen, which claims its tasks itself",
    otherwise: "`false`",
  }),
});
export type PlanHandSettings = z.infer<typeof PlanHandSettings>;

/** A command that each ship runs in its tree, after its first checkout and before its first task. */
export const ProvisionStep = z.object({
  /** The shell command, which is run by `bash -c`. */
  run: z.string(),
  timeoutSeconds: z.number().positive(),
});
export type ProvisionStep = z.infer<typeof ProvisionStep>;

/** What each ship may reach: these names, its own loopback, and nothing else. */
export const PlanNetwork = z.object({
  /**
   * The allowed names in lower case: `api.example.com`, or `*.example.com` for all below it. An empty list allows
   * nothing.
   */
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
  /**
   * What else the task's file says of how the task is done. TaskFile of lib/plan/schema.ts has the keys that a plan may
   * use.
   */
  metadata: z.record(z.string(), z.unknown()),
});
export type PlanTask = z.infer<typeof PlanTask>;

export const Plan = z.object({
  /** The `name` in voyage.json. */
  name: z.string(),
  /** The purpose in one line: the first heading of spec.md, or its objective. */
  purpose: z.string(),
  /**
   * The repository: a URL or a local path, as lib/plan/repo.ts has read it. A relative path is relative to the
   * project's folder. "" stands for an empty sail without a repository, which begins with nothing.
   */
  repo: z.string(),
  recommendedShips: z.number().int().positive().nullable(),
  /**
   * The most tasks that can run at one time, by the graph. Nothing reads it. It stays because the digest covers it:
   * without it the plans of all voyages would show a change.
   */
  width: z.number().int(),
  spec: z.string(),
  /** The text of verify.sh, or null when the plan has none. */
  verify: z.string().nullable(),
  tasks: z.array(PlanTask),
  /** The `timeoutSeconds` in voyage.json, for each task whose metadata has none. */
  timeoutSeconds: z.number().positive().optional(),
  /** The `claude` in voyage.json. */
  claude: PlanHandSettings.optional(),
  /** The `prices` in voyage.json. It is absent when there are none. */
  prices: Prices.optional(),
  /** Present in an empty sail, whose one task is to wait for the captain's orders and is never done for good. */
  orders: z.literal(true).optional(),
  /** The steps of `provision` in voyage.json, in their order. It is absent when there are none. */
  provision: z.array(ProvisionStep).optional(),
  /** The `network` in voyage.json. Without it ships reach everything. */
  network: PlanNetwork.optional(),
  /** Present when `github` in voyage.json is true: the captain's GH_TOKEN goes to the hand on each ship. */
  github: z.literal(true).optional(),
  /** The sha256 of the canonical JSON of all fields above. */
  digest: z.string(),
});
export type Plan = z.infer<typeof Plan>;

/** What a changed plan does to a ledger: the ids of tasks, each in one list only. */
export const PlanChanges = z.object({
  added: z.array(z.string()),
  updated: z.array(z.string()),
  cancelled: z.array(z.string()),
  /** The tasks that have changed in the plan and keep their old text, because they are claimed or accepted. */
  kept: z.array(z.string()),
  /**
   * The follow-ups that are neither accepted nor cancelled, which no plan changes (lib/plan/follow-up.ts). It is absent
   * when there are none.
   */
  followUps: z.array(z.string()).optional(),
});
export type PlanChanges = z.infer<typeof PlanChanges>;
