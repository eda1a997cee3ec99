import { z } from "zod";
import { SessionSettings } from "../plan/types.ts";
import { caller, commitId, epoch, exitCode, held, output, seconds, taskId } from "./ship-fields.ts";

// What ship and helm say of a claim, from the question for work to its end (lib/protocol/ship-api.ts has the calls).

/** A task as a ship is told of it. */
export const TaskView = z.object({
  id: taskId,
  subject: z.string(),
  description: z.string(),
  activeForm: z.string().optional(),
  blockedBy: z.array(taskId),
  /** The task's metadata. TaskFile of lib/plan/schema.ts has its keys. */
  metadata: z.record(z.string(), z.unknown()),
});
export type TaskView = z.infer<typeof TaskView>;

/** A task that is given to a ship, with everything that the ship needs to know for it. */
export const Grant = z.object({
  task: TaskView,
  epoch,
  /**
   * The tip of the voyage's branch, which holds every accepted blocker. The ship fetches it and resets its tree to it.
   */
  tip: commitId,
  /** The task's own check, as the ledger has it: a shell command that is run in the ship's tree, or null. */
  check: z.string().nullable(),
  /** How long the hand may take before it is stopped and the task is released as failed. */
  timeoutSeconds: z.number().positive(),
  /** What the task's blockers have delivered. */
  delivered: z.array(z.object({ task: taskId, subject: z.string(), commit: commitId, summary: z.string() })),
  /** The text of the plan's spec.md, for the hand `claude` only. */
  spec: z.string().optional(),
  /** The settings of the hand `claude`: those of the plan, with the task's own over them. */
  hand: SessionSettings.extend({
    /** What this claim may spend: what is left of the task's budget and of the voyage's. */
    budgetUsd: z.number().nonnegative().optional(),
  }).optional(),
  /** What agents have asked in this task, and what the captain has answered; for the hand `claude` only. */
  answers: z.array(z.object({ question: z.string(), answer: z.string() })).optional(),
  /** Why the last try ended, when there was one. */
  lastReason: z.string().optional(),
  /**
   * True in an empty sail: the hand waits in Claude Code's own screen for the captain's orders until it is told to end,
   * and then the tree is delivered as it is.
   */
  orders: z.boolean().optional(),
  /** The session that an earlier crew of this ship began for this very claim, and that is to be resumed. */
  session: z.uuid().optional(),
});
export type Grant = z.infer<typeof Grant>;

/**
 * A ship's question for work. With `only` it takes that task and no other, or with `verify` the verification and no
 * task; the answer `nothing` then says which tasks are free.
 */
export const ClaimRequest = z.object({
  ...caller,
  only: z.union([taskId, z.literal("verify")]).optional(),
});
export type ClaimRequest = z.infer<typeof ClaimRequest>;
/** What a ship is given to do: a task, the verification, or nothing. */
export const ClaimReply = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("grant"), grant: Grant }),
  /** The order to run `script`, which is verify.sh as the ledger has it, in a fresh checkout of `commit`. */
  z.object({ kind: z.literal("verify"), epoch, commit: commitId, script: z.string(), timeoutSeconds: z.number().positive() }),
  /**
   * Nothing to do: `waiting` when tasks are left but none is free, and `done` when none is left. It is `paused` when no
   * task is given to this ship: it is to stop or is unfit, its hand is not proven yet, a usage limit holds it, the
   * budget is spent, or the voyage's repository cannot be written.
   */
  z.object({
    kind: z.literal("nothing"),
    reason: z.enum(["waiting", "done", "paused"]),
    retryAfterSeconds: z.number(),
    free: z.array(taskId).optional(),
    /** Why the task that was asked for is not granted. */
    why: z.string().optional(),
  }),
]);
export type ClaimReply = z.infer<typeof ClaimReply>;

/** A ship's offer of its commit for the task that it holds. */
export const AcceptRequest = z.object({
  ...held,
  /** The commit that is offered. The ship has pushed it to `refs/ships/<ship>/<task>-<epoch>` before. */
  commit: commitId,
  summary: z.string().max(4000),
  /** How the task's check ended, with the end of what it printed. It is null when the task has no check. */
  check: z.object({ exitCode, output }).nullable(),
  seconds,
});
export type AcceptRequest = z.infer<typeof AcceptRequest>;
export const AcceptReply = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("accepted"), tip: commitId }),
  /**
   * A conflict, by which nothing has changed. The ship merges `tip` into its tree, its hand resolves `files`, the check
   * runs again, and the ship asks anew.
   */
  z.object({ kind: z.literal("conflict"), tip: commitId, files: z.array(z.string()) }),
]);
export type AcceptReply = z.infer<typeof AcceptReply>;

/** The end of a claim whose task was not done. */
export const ReleaseRequest = z.object({
  ...held,
  reason: z.string().max(8192),
  /**
   * True when the release counts as a try, the last of which blocks the task. False when the task goes back unharmed.
   */
  failed: z.boolean(),
  /**
   * Present when the ship is at fault, because it could not begin; never with `failed`. After three faults in a row the
   * ship is given nothing more until it is launched anew.
   */
  fault: z.literal(true).optional(),
});
export type ReleaseRequest = z.infer<typeof ReleaseRequest>;
export const ReleaseReply = z.object({ status: z.enum(["pending", "blocked", "cancelled"]), tries: z.number().int() });
export type ReleaseReply = z.infer<typeof ReleaseReply>;

/** A question of the task's agent to the captain. */
export const AskRequest = z.object({ ...held, question: z.string().min(1).max(4000) });
export type AskRequest = z.infer<typeof AskRequest>;
