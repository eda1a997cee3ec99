import { z } from "zod";
import { HandSettings } from "../plan/types.ts";
import { Version } from "../ship/facts.ts";
import { HandKind } from "./choices.ts";

/**
 * The wire between a ship's supervisor (crew/) and the helm: JSON over HTTP with `Authorization: Bearer <ship token>`.
 *
 * The token names voyage, ship and incarnation, and a body's `incarnation` must agree with it. Every call that changes
 * something carries a `requestId`: a repeated request gets the stored answer of the first.
 *
 * Each call is listed with its body and what 200 answers:
 * - `POST /v1/ship/hello` Hello → HelloReply.
 * - `POST /v1/ship/claim` ClaimRequest → ClaimReply.
 * - `POST /v1/ship/heartbeat` Heartbeat → HeartbeatReply.
 * - `POST /v1/ship/accept` AcceptRequest → AcceptReply.
 * - `POST /v1/ship/release` ReleaseRequest → ReleaseReply.
 * - `POST /v1/ship/ask` AskRequest → ReleaseReply. The claim ends, and the task waits for the captain's answer.
 * - `POST /v1/ship/session` SessionRequest → `{}`. The session is stored before the hand starts, so that a crew that
 *   comes back can resume it.
 * - `POST /v1/ship/usage` UsageRequest → HeartbeatReply. It says what a run has used so far, also after its claim has
 *   ended or its ship was fenced. The most that was said of a run counts.
 * - `POST /v1/ship/trial` TrialRequest → `{}`. It says whether the hand can work; no task is granted before it can.
 * - `POST /v1/ship/limited` LimitedRequest → LimitedReply. This ship is given no task until the limit's end. Other
 *   ships are given none for some minutes, or until that end when another ship says the same.
 * - `POST /v1/ship/verified` VerifiedRequest → VerifiedReply.
 * - `POST /v1/ship/unverified` UnverifiedRequest → `{}`. verify.sh could not be run on this ship, which says nothing of
 *   the voyage, and another ship is asked.
 * - `GET /v1/ship/presence` → a stream of NDJSON that stays open: `{"type":"ping"}` each 10 s, and
 *   `{"type":"stop","reason":…}`. Its end tells the helm at once that the supervisor is gone.
 * - `/git/<voyageId>/…` is git's smart HTTP with the same token. A ship may read everything, and push to
 *   `refs/ships/<ship>/*` only.
 *
 * Refusals:
 * - 400 `{error:"bad-request", message}`
 * - 401 `{error:"unauthorized"}`
 * - 409 {@link Refusal}
 * - 503 while the helm starts or stops.
 * - 503 with `retry-after` when one ship asks for too much at one time: more than 32 calls, 4 transfers of git with 8
 *   that wait, or 4 accepts that wait.
 */

// The helm trusts no body of a ship: each field is as narrow as what a crew sends, each number has bounds that no
// honest one comes near, and each text a length. A body that does not fit is answered 400 with the field's name, and
// changes nothing. Texts are kept as they came, and are made harmless where they are shown (lib/base/text.ts).

const requestId = z.string().regex(/^[\x21-\x7e]{8,64}$/);
/** The id of an incarnation, as the VM's provider gives it. */
export const Incarnation = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/);
const taskId = z.string().regex(/^\d{1,9}$/);
/** A duration in seconds, of up to 30 years. */
const seconds = z.number().nonnegative().max(1e9);
/** The exit code of a command, or -1 when it was not run to its end. */
const exitCode = z.int().min(-1).max(255);
/** The end of what a check or verify.sh has printed. A crew sends the last 8 KiB. */
const output = z.string().max(65_536);
/** The full name of a commit, as git prints it. */
const commitId = z.string().regex(/^[0-9a-f]{40}$/);
/** The number of a task's grants, which each grant raises. */
const epoch = z.number().int().positive();

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
  hand: HandSettings.extend({
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

/** The first call of a supervisor: its process id, and the versions of Node and git on its ship. */
export const Hello = z.object({
  requestId,
  incarnation: Incarnation,
  pid: z
    .int()
    .min(1)
    .max(2 ** 31 - 1),
  node: Version,
  git: Version,
});
export type Hello = z.infer<typeof Hello>;
/** What a supervisor is told when it starts: which voyage and ship it is of, and how it is to work. */
export const HelloReply = z.object({
  voyage: z.object({ id: z.string(), stack: z.string(), branch: z.string(), name: z.string() }),
  ship: z.string(),
  hand: HandKind,
  /**
   * Present in an interactive voyage, where the hand claims its tasks itself in Claude Code's own screen: the hand's
   * settings, and the voyage's spec.
   */
  interactive: HandSettings.extend({ spec: z.string() }).optional(),
  leaseSeconds: z.number(),
  heartbeatSeconds: z.number(),
  /**
   * The time without an acknowledged heartbeat after which the ship stops its hand. It is shorter than the lease, so
   * that the hand has ended before another ship gets the task.
   */
  fenceSeconds: z.number(),
  /** How long a ship with nothing to claim waits before it gives its hold back and ends. */
  lingerSeconds: z.number(),
  /**
   * The same as in HeartbeatReply. It is said here too, lest a crew that finds nothing to do ends without its trial.
   */
  trial: HandSettings.optional(),
  /** The claim that this incarnation still holds, with which a restarted supervisor goes on. */
  claim: Grant.nullable(),
  /**
   * Present when this ship was unfit by its own faults and is tried again: it makes its clone anew before its first
   * claim.
   */
  anew: z.literal(true).optional(),
});
export type HelloReply = z.infer<typeof HelloReply>;

/**
 * A ship's question for work. With `only` it takes that task and no other, or with `verify` the verification and no
 * task; the answer `nothing` then says which tasks are free.
 */
export const ClaimRequest = z.object({
  requestId,
  incarnation: Incarnation,
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

const held = { requestId, incarnation: Incarnation, task: taskId, epoch };
export const Heartbeat = z.object({
  requestId,
  incarnation: Incarnation,
  claim: z.object({ task: taskId, epoch }).nullable(),
  /** What the hand does now, in one line for people. */
  note: z.string().max(200).optional(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;
/**
 * The helm's answer to a heartbeat, by which it steers the crew.
 * - `steer` is `stop` when the crew is to end its hand, release its claim and end, because the voyage sinks or the ship
 *   is taken out. It is `budget` when the voyage's budget is spent: the hand ends at its next gate, and the claim goes
 *   back unharmed.
 * - `trial` asks the crew to prove that its hand can work with these settings, and to report by the call `trial`. It is
 *   said until the result is known.
 * - `limitedUntil` is the end of a usage limit that holds this ship. It is absent when none does, or none does any
 *   more.
 */
export const HeartbeatReply = z.object({
  steer: z.enum(["go", "budget", "stop"]),
  reason: z.string().optional(),
  trial: HandSettings.optional(),
  limitedUntil: z.iso.datetime().optional(),
});
export type HeartbeatReply = z.infer<typeof HeartbeatReply>;

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

export const SessionRequest = z.object({ ...held, session: z.uuid() });
export type SessionRequest = z.infer<typeof SessionRequest>;

/** What one run or many have used, by Claude Code's own count. The cost is at list prices. */
export const Usage = z.object({
  costUsd: z.number().nonnegative(),
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  cacheReadTokens: z.int().nonnegative(),
  cacheCreationTokens: z.int().nonnegative(),
  turns: z.int().nonnegative(),
  seconds: z.number().nonnegative(),
});
export type Usage = z.infer<typeof Usage>;
/**
 * What one run has used. The cost may be what a plan can allow a task at most; nothing reads so many tokens in a year.
 */
const RunUsage = z.object({
  costUsd: z.number().nonnegative().max(100_000),
  inputTokens: z.int().nonnegative().max(1e12),
  outputTokens: z.int().nonnegative().max(1e12),
  cacheReadTokens: z.int().nonnegative().max(1e12),
  cacheCreationTokens: z.int().nonnegative().max(1e12),
  turns: z.int().nonnegative().max(1e9),
  seconds,
});
/**
 * What one run has used, without what its session had used before it. A run without a task counts for its ship and the
 * voyage only.
 */
export const UsageRequest = z
  .object({
    requestId,
    incarnation: Incarnation,
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
  requestId,
  incarnation: Incarnation,
  fit: z.boolean(),
  message: z.string().max(2000),
});
export type TrialRequest = z.infer<typeof TrialRequest>;

/** A usage limit that a ship's hand has met: its end, and Claude Code's own words for people. */
export const LimitedRequest = z.object({
  requestId,
  incarnation: Incarnation,
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

/** A question of the task's agent to the captain. */
export const AskRequest = z.object({ ...held, question: z.string().min(1).max(4000) });
export type AskRequest = z.infer<typeof AskRequest>;

/** The result of verify.sh, run at `commit`, with the end of what it printed. */
export const VerifiedRequest = z.object({
  requestId,
  incarnation: Incarnation,
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
  requestId,
  incarnation: Incarnation,
  epoch,
  commit: commitId,
  reason: z.string().max(8192),
  away: z.literal(true).optional(),
});
export type UnverifiedRequest = z.infer<typeof UnverifiedRequest>;
export const VerifiedReply = z.object({ state: z.string() });
export type VerifiedReply = z.infer<typeof VerifiedReply>;

/** The calls of a ship by the last part of their path: the body that each takes, and what 200 answers. */
export type ShipApi = {
  hello: { body: Hello; reply: HelloReply };
  claim: { body: ClaimRequest; reply: ClaimReply };
  heartbeat: { body: Heartbeat; reply: HeartbeatReply };
  accept: { body: AcceptRequest; reply: AcceptReply };
  release: { body: ReleaseRequest; reply: ReleaseReply };
  ask: { body: AskRequest; reply: ReleaseReply };
  session: { body: SessionRequest; reply: Empty };
  usage: { body: UsageRequest; reply: HeartbeatReply };
  trial: { body: TrialRequest; reply: Empty };
  limited: { body: LimitedRequest; reply: LimitedReply };
  verified: { body: VerifiedRequest; reply: VerifiedReply };
  unverified: { body: UnverifiedRequest; reply: Empty };
};
export type ShipCall = keyof ShipApi;
/** The reply of a call that only says that it was heard: `{}`. */
type Empty = Record<string, never>;

/** The body of a 409. `stale-epoch` and `not-holder` say who holds the task now. */
export const Refusal = z.object({
  error: z.enum(["fenced", "stale-epoch", "not-holder", "unknown-commit", "check-failed", "wrong-incarnation"]),
  message: z.string(),
  holder: z.object({ ship: z.string(), incarnation: z.string(), epoch: z.number() }).nullable(),
});
export type Refusal = z.infer<typeof Refusal>;
