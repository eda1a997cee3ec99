import { z } from "zod";
import { caller, commitId, epoch, exitCode, held, output, seconds, taskId } from "./ship-fields.ts";

// What a ship reports of its hand and of its runs (lib/protocol/ship-api.ts has the calls).

export const SessionRequest = z.object({ ...held, session: z.uuid() });
export type SessionRequest = z.infer<typeof SessionRequest>;

/**
 * Where a cost is known from: `reported`, by Claude Code's own count at list prices; `derived`, from tokens and the
 * plan's prices; `unknown`, as nobody has told the model's price: it is then Claude Code's guess. A sum is `unknown`
 * when a part of it is, else `derived` when a part of it is.
 */
export const Basis = z.enum(["reported", "derived", "unknown"]);
export type Basis = z.infer<typeof Basis>;

const Counts = z.object({
  costUsd: z.number().nonnegative(),
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  cacheReadTokens: z.int().nonnegative(),
  cacheCreationTokens: z.int().nonnegative(),
  turns: z.int().nonnegative(),
  seconds: z.number().nonnegative(),
});
export type Counts = z.infer<typeof Counts>;
/** The names of what is counted. */
export const COUNTS = Object.keys(Counts.shape) as (keyof Counts)[];
/** What one run or many have used, and what that has cost. */
export const Usage = Counts.extend({
  /** Where the cost is known from. It is absent where nothing was used, and in what helms of earlier code say. */
  basis: Basis.optional(),
});
export type Usage = z.infer<typeof Usage>;
/** Where a sum of costs is known from that have these bases. */
export const basisOf = (parts: readonly (Basis | undefined)[]): Basis | undefined =>
  (["unknown", "derived", "reported"] as const).find((basis) => parts.includes(basis));

/**
 * What one run may tell at most. The cost may be what a plan can allow a task at most; nothing reads so many tokens in
 * a year. A row of an earlier helm that tells more counts for this much.
 */
export const MOST_USED = {
  costUsd: 100_000,
  inputTokens: 1e12,
  outputTokens: 1e12,
  cacheReadTokens: 1e12,
  cacheCreationTokens: 1e12,
  turns: 1e9,
  seconds: 1e9,
} satisfies Counts;
const used = (key: keyof Counts) => Counts.shape[key].max(MOST_USED[key]);
/** What is told of a run as a whole, and of each of its models. */
const SPENT = {
  costUsd: used("costUsd"),
  inputTokens: used("inputTokens"),
  outputTokens: used("outputTokens"),
  cacheReadTokens: used("cacheReadTokens"),
  cacheCreationTokens: used("cacheCreationTokens"),
};

/** The most models that one run may tell of. */
export const MOST_MODELS = 20;
/** What one run has used of one model. */
export const ModelUsage = z.object({
  model: z.string().regex(/^[\x21-\x7e]{1,200}$/),
  basis: Basis,
  ...SPENT,
});
export type ModelUsage = z.infer<typeof ModelUsage>;
/** What one run has used. */
const RunUsage = z.object({
  ...SPENT,
  turns: used("turns"),
  seconds: used("seconds"),
  /** The same by models, as far as the ship knows that. A ship of earlier code does not say it. */
  models: z.array(ModelUsage).max(MOST_MODELS).optional(),
});
export type RunUsage = z.infer<typeof RunUsage>;
/**
 * What one run has used, without what its session had used before it. A run without a task counts for its ship and the
 * voyage only.
 */
export const UsageRequest = z
  .object({
    ...caller,
    task: taskId.optional(),
    epoch: epoch.optional(),
    session: z.uuid(),
    run: z.uuid(),
    usage: RunUsage,
    /** True while the run goes on. */
    growing: z.boolean().optional(),
  })
  .refine((told) => (told.task === undefined) === (told.epoch === undefined), "task and epoch go together");
export type UsageRequest = z.infer<typeof UsageRequest>;

/**
 * The result of a hand's trial, which comes before the first task of each launch; or later, that the hand has broken.
 * `message` says what is wrong, in Claude Code's own words where it has any.
 */
export const TrialRequest = z.object({
  ...caller,
  fit: z.boolean(),
  message: z.string().max(2000),
});
export type TrialRequest = z.infer<typeof TrialRequest>;

/** A usage limit that a ship's hand has met: its end, and Claude Code's own words for people. */
export const LimitedRequest = z.object({
  ...caller,
  until: z.iso.datetime(),
  message: z.string().max(1000),
});
export type LimitedRequest = z.infer<typeof LimitedRequest>;
/**
 * The time until which the ship is given no task: the latest that it has said, or that others have said as far as that
 * counts.
 */
export const LimitedReply = z.object({ until: z.iso.datetime() });
export type LimitedReply = z.infer<typeof LimitedReply>;

/** The result of verify.sh, run at `commit`, with the end of what it printed. */
export const VerifiedRequest = z.object({
  ...caller,
  epoch,
  commit: commitId,
  exitCode,
  output,
  seconds,
});
export type VerifiedRequest = z.infer<typeof VerifiedRequest>;
/**
 * Why a ship could not run verify.sh. It counts as a fault of the ship, as ReleaseRequest's `fault` does, but not with
 * `away`: then the helm's git did not answer the ship, which may be nobody's fault.
 */
export const UnverifiedRequest = z.object({
  ...caller,
  epoch,
  commit: commitId,
  reason: z.string().max(8192),
  away: z.literal(true).optional(),
});
export type UnverifiedRequest = z.infer<typeof UnverifiedRequest>;
export const VerifiedReply = z.object({ state: z.string() });
export type VerifiedReply = z.infer<typeof VerifiedReply>;
