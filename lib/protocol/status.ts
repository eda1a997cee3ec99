import { z } from "zod";
import { HandKind } from "./choices.ts";
import { Usage } from "./ship-reports.ts";

/**
 * What is known of a voyage at one moment, as the helm, `ocaptain status --json` and in part the stack's outputs say
 * it.
 */

export const TaskStatus = z.enum(["pending", "claimed", "accepted", "blocked", "cancelled"]);
export type TaskStatus = z.infer<typeof TaskStatus>;

/**
 * The state of a voyage as a whole:
 * - `planning`: no ship was seen yet.
 * - `sailing`: work is left, and ships are there or are being woken.
 * - `stalled`: work is left, no ship is there, and none of those that the helm calls answers.
 * - `paused`: work is left, and the captain has paused the voyage. No task is given out; those at work go on, or are
 *   given back.
 * - `blocked`: all that is left waits for a blocked task.
 * - `needs-captain`: a task waits for the captain's answer, whatever else goes on.
 * - `limited`: tasks are left, and none is given out before a usage limit is over.
 * - `budget`: work is left, but the voyage's budget is spent. No task is given out, and hands end at their next gate.
 * - `lost`: work is left, and every ship is lost or fenced.
 * - `verifying`: all tasks are accepted or cancelled, and verify.sh has no result for this tip yet.
 * - `verified`, `failed`: the result of verify.sh for this tip.
 * - `done`: all tasks are accepted or cancelled, and the plan has no verify.sh that could prove more.
 * - `sunk`: the voyage is no longer registered at the helm.
 */
export const VoyageState = z.enum([
  "planning",
  "sailing",
  "stalled",
  "paused",
  "blocked",
  "needs-captain",
  "limited",
  "budget",
  "lost",
  "verifying",
  "verified",
  "failed",
  "done",
  "sunk",
]);
export type VoyageState = z.infer<typeof VoyageState>;

/**
 * The files that a commit changes outside of what its task touches: the first of them, as they can be shown, and how
 * many there are in all.
 */
export const Outside = z.object({ files: z.array(z.string()), count: z.int().positive() });
export type Outside = z.infer<typeof Outside>;

export const TaskRow = z.object({
  id: z.string(),
  subject: z.string(),
  status: TaskStatus,
  blockedBy: z.array(z.string()),
  ship: z.string().nullable(),
  incarnation: z.string().nullable(),
  epoch: z.number(),
  tries: z.number(),
  commit: z.string().nullable(),
  /** Why the task is blocked, or was last released. */
  reason: z.string().nullable(),
  /** The time of the last change, as ISO 8601. */
  changedAt: z.string(),
  /** What an agent asks the captain, who answers by `ocaptain answer`; `askedBy` is the ship that the agent was on. */
  question: z.string().optional(),
  askedBy: z.string().optional(),
  /** What all runs of the task have used together. It is absent when there was none. */
  usage: Usage.optional(),
  /** What all runs of the task may cost together, in US dollars. */
  budgetUsd: z.number().optional(),
  /** Where an imported task came from: the id that it had there. */
  source: z.string().optional(),
  /** When the task was added beside the plan, as a follow-up; absent for a task of the plan. */
  addedAt: z.string().optional(),
  /** What the accepted commit changes outside of the task's `metadata.touches`. It is absent when there is nothing. */
  outside: Outside.optional(),
});
export type TaskRow = z.infer<typeof TaskRow>;

/** A usage limit: when it ends, what Claude Code said of it, and the ships that told of it. */
const Limit = z.object({ until: z.string(), message: z.string(), by: z.array(z.string()) });

export const ShipRow = z.object({
  ship: z.string(),
  incarnation: z.string().nullable(),
  /**
   * How the ship is. `new` is registered and was never seen; `ended` had nothing to do and said goodbye; `lost` should
   * be working and is not heard of.
   */
  state: z.enum(["new", "working", "idle", "ended", "lost", "fenced", "stopping"]),
  /** True while the ship's presence stream is open and its supervisor was heard of within three heartbeats. */
  connected: z.boolean(),
  lastSeenAt: z.string().nullable(),
  task: z.string().nullable(),
  epoch: z.number().nullable(),
  note: z.string().nullable(),
  /**
   * True when the ledger has work for this ship: a claim that it holds, a free task, or a verification. Only then does
   * a supervisor that is not there need a launch.
   */
  hasWork: z.boolean(),
  /**
   * Why the ship is given no task until it is launched anew: its hand's trial showed that it cannot work, or the ship
   * failed several times before its work began.
   */
  unfit: z.string().optional(),
  /**
   * The usage limit for which the ship is given no task. It stands on the ship's own word, for a while on another
   * ship's, or on the word of two ships (helm/ledger/limits.ts).
   */
  limited: Limit.optional(),
  /** The ship's last call that no crew of ours would send, and what is wrong with it. */
  refused: z.string().optional(),
  /** When the ship last made such a call, when it was found unfit, and when it was fenced, as far as that is known. */
  refusedAt: z.string().optional(),
  unfitAt: z.string().optional(),
  fencedAt: z.string().optional(),
  /** When the ship was last registered, by an `up`, and when its crew last said hello. */
  registeredAt: z.string().optional(),
  helloAt: z.string().optional(),
  /** When the crew has said goodbye, and why; absent when it did not since its hello. */
  goodbye: z.object({ at: z.string(), why: z.string() }).optional(),
  /** When the run of verify.sh that the ship holds was given to it. */
  verifyingSince: z.string().optional(),
  /** When something last came of the work that the ship holds. A crew of earlier code does not say it. */
  progressAt: z.string().optional(),
  /** For how long the helm could have heard of the ship, and has not. A helm of earlier code does not say it. */
  silentSeconds: z.number().optional(),
  /** How often the helm has tried to wake the ship since it last heard of it. */
  unanswered: z.number().optional(),
});
export type ShipRow = z.infer<typeof ShipRow>;

/**
 * What all runs of a voyage have used, those of tasks and the trials of ships. `byShip` is null when no helm answered,
 * as the task files do not say it.
 */
export const Spend = Usage.extend({
  /** The voyage's budget that holds, in US dollars; null where there is none, or none is known. */
  budgetUsd: z.number().nullable(),
  /**
   * What the configuration says instead, null for no budget. It is present while the captain's word holds in its place.
   */
  configuredUsd: z.number().nullable().optional(),
  byShip: z.record(z.string(), Usage).nullable(),
});
export type Spend = z.infer<typeof Spend>;

/** A target of notices that did not get its newest one: its name without what is secret, why, and since when. */
export const Unreached = z.object({ target: z.string(), why: z.string(), at: z.string() });
export type Unreached = z.infer<typeof Unreached>;

export const VoyageStatus = z.object({
  id: z.string(),
  stack: z.string(),
  name: z.string(),
  state: VoyageState,
  branch: z.string(),
  tip: z.string(),
  verified: z.object({ commit: z.string(), exitCode: z.number(), output: z.string(), at: z.string() }).nullable(),
  tasks: z.array(TaskRow),
  ships: z.array(ShipRow),
  spend: Spend,
  /** What does the voyage's tasks. A helm of earlier code does not say it. */
  hand: HandKind.optional(),
  /**
   * Present when the captain can type to the ships' hands (`ocaptain answer`): the plan is interactive, or an empty
   * sail.
   */
  interactive: z.literal(true).optional(),
  /**
   * Present while the captain has paused the voyage: since when, and when ships at work are to give their tasks back;
   * null where they work to their task's end.
   */
  paused: z.object({ since: z.string(), giveBackAt: z.string().nullable() }).optional(),
  /** A usage limit that holds every ship. `until` is when the first of them may try again. */
  limited: Limit.optional(),
  /**
   * Why the helm can accept nothing: the voyage's repository cannot be read or written. Nothing is granted meanwhile,
   * and nothing is lost.
   */
  trouble: z.string().optional(),
  /** Present when a target of `ocaptain:notify` did not get its newest notice. */
  unreached: z.array(Unreached).optional(),
  /** Since when that is so, and since when the budget is spent, as far as that is known. */
  troubleSince: z.string().optional(),
  budgetSpentAt: z.string().optional(),
  /** After how long without a word of a crew a word was due, and after how long without progress that is a finding. */
  silenceSeconds: z.number().optional(),
  noProgressSeconds: z.number().optional(),
  asOf: z.string(),
});
export type VoyageStatus = z.infer<typeof VoyageStatus>;
