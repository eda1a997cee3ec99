import { z } from "zod";
import { Usage } from "./ship-api.ts";

/** What is known of a voyage at one moment: the helm's answer, `ocaptain status --json`, and (in part) the stack's outputs. */

export const TaskStatus = z.enum(["pending", "claimed", "accepted", "blocked", "cancelled"]);
export type TaskStatus = z.infer<typeof TaskStatus>;

/**
 * `planning`: no ship was seen yet. `sailing`: work is left, and ships are there or are being woken. `stalled`: work is left, no ship is there, and none
 * answers that the helm calls. `blocked`: what is left
 * waits for a blocked task. `verifying`: all tasks are accepted or cancelled, verify.sh has no result for this tip yet. `verified`, `failed`: its
 * result. `needs-captain`: a task waits for an answer, whatever else goes on. `limited`: tasks are left, and none is given out before a usage limit
 * is over. `budget`: work is left, the voyage's budget is spent: no task is given out, and hands at work end at their next gate. `lost`: work is left, and
 * every ship is lost or fenced. `done`: all tasks are accepted or cancelled and the plan has no verify.sh, so nothing is claimed beyond that. `sunk`: deregistered.
 */
export const VoyageState = z.enum([
  "planning",
  "sailing",
  "stalled",
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
  /** Why it is blocked or was last released. */
  reason: z.string().nullable(),
  /** ISO 8601 time of the last change. */
  changedAt: z.string(),
  /** What an agent asks the captain (`ocaptain answer`), and the ship it was on. */
  question: z.string().optional(),
  askedBy: z.string().optional(),
  /** Of all its runs together. Not there when there was none. */
  usage: Usage.optional(),
  /** What all its runs may cost. */
  budgetUsd: z.number().optional(),
});
export type TaskRow = z.infer<typeof TaskRow>;

/** A usage limit, in Claude Code's own words; `by`: the ships that told of it. */
const Limit = z.object({ until: z.string(), message: z.string(), by: z.array(z.string()) });

export const ShipRow = z.object({
  ship: z.string(),
  incarnation: z.string().nullable(),
  /** `new`: registered, never seen. `ended`: said goodbye, nothing to do. `lost`: should be working and is not heard of. */
  state: z.enum(["new", "working", "idle", "ended", "lost", "fenced", "stopping"]),
  /** The presence stream is open, and the supervisor was heard of within three heartbeats. */
  connected: z.boolean(),
  lastSeenAt: z.string().nullable(),
  task: z.string().nullable(),
  epoch: z.number().nullable(),
  note: z.string().nullable(),
  /** Does the ledger have work for this ship: a claim it holds, a free task, or a verification? A launch is drift only if so. */
  hasWork: z.boolean(),
  /** Why it is given no task until it is launched anew: its hand cannot work, by its trial; or it failed several times before its work began. */
  unfit: z.string().optional(),
  /** It is given no task until then: by its own word, another ship's for a while, or two ships' (helm/ledger/limits.ts). */
  limited: Limit.optional(),
  /** What it last sent that no crew sends: the call, and what is wrong with it. */
  refused: z.string().optional(),
  /** How often the helm has called it to wake it, and not heard of it since. */
  unanswered: z.number().optional(),
});
export type ShipRow = z.infer<typeof ShipRow>;

/** What all runs have used: those of tasks, and ships' trials. `byShip`: null when only the task files could be asked, which do not say it. */
export const Spend = Usage.extend({ budgetUsd: z.number().nullable(), byShip: z.record(z.string(), Usage).nullable() });
export type Spend = z.infer<typeof Spend>;

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
  /** Ships' hands are sessions that a person can type to (`ocaptain answer`): the plan is interactive, or an empty sail. */
  interactive: z.literal(true).optional(),
  /** A usage limit that holds every ship; `until` the first of them may try. */
  limited: Limit.optional(),
  /** Why the helm can accept nothing: the voyage's repository cannot be read or written. Nothing is granted meanwhile, and nothing lost. */
  trouble: z.string().optional(),
  asOf: z.string(),
});
export type VoyageStatus = z.infer<typeof VoyageStatus>;
