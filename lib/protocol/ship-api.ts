import { z } from "zod";
import { HandSettings } from "../plan/types.ts";
import { Version } from "../ship/facts.ts";
import { HandKind } from "./choices.ts";

/**
 * The wire between a ship's supervisor (crew/) and the helm: JSON over HTTP, `Authorization: Bearer <ship token>`.
 *
 * The token names voyage, ship and incarnation; a body's `incarnation` must agree with it. Only these calls change the ledger.
 * Every changing call carries a `requestId`: a repeated request gets the stored answer of the first.
 *
 * | call | body | 200 |
 * |---|---|---|
 * | `POST /v1/ship/hello` | Hello | HelloReply |
 * | `POST /v1/ship/claim` | ClaimRequest | ClaimReply |
 * | `POST /v1/ship/heartbeat` | Heartbeat | HeartbeatReply |
 * | `POST /v1/ship/accept` | AcceptRequest | AcceptReply |
 * | `POST /v1/ship/release` | ReleaseRequest | ReleaseReply |
 * | `POST /v1/ship/verified` | VerifiedRequest | VerifiedReply |
 * | `POST /v1/ship/unverified` | UnverifiedRequest | `{}`: verify.sh could not be run on this ship, which says nothing of the voyage: another is asked |
 * | `POST /v1/ship/session` | SessionRequest | `{}`: stored before the hand starts, so that a crew that comes back can resume it |
 * | `POST /v1/ship/usage` | UsageRequest | HeartbeatReply. What a run has used so far; also after its claim has ended, or its ship was fenced. The most that was told of a run counts |
 * | `POST /v1/ship/trial` | TrialRequest | `{}`: whether the hand can work; no task is granted before it can |
 * | `POST /v1/ship/limited` | LimitedRequest | LimitedReply: this ship is given no task until then; the others for some minutes, and where another ship says the same, as long |
 * | `POST /v1/ship/ask` | AskRequest | ReleaseReply: the claim ends, the task waits for the captain's answer |
 * | `GET /v1/ship/presence` | – | an NDJSON stream that stays open: `{"type":"ping"}` each 10 s, `{"type":"stop","reason":…}`; its end tells the helm at once that the supervisor is gone |
 * | `/git/<voyageId>/…` | git smart HTTP, the same bearer token | read all, push only to `refs/ships/<ship>/*` |
 *
 * Refusals: 401 `{error:"unauthorized"}`; 409 {@link Refusal}; 400 `{error:"bad-request", message}`; 503 while the helm starts or stops, and,
 * with `retry-after`, when one ship asks for too much at one time: 32 calls, 4 transfers of git and 8 that wait, 4 accepts that wait.
 */

/**
 * A ship's body is a stranger's: each field is as narrow as what a crew sends, each number has bounds that no honest one comes near, each word a length.
 * What does not fit is 400, names the field, and changes nothing. Words are kept as they came; they are made harmless where they leave (lib/base/text.ts).
 */
const requestId = z.string().regex(/^[\x21-\x7e]{8,64}$/);
/** The id of one life of a ship's VM, as its provider gives it. */
export const Incarnation = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/);
const taskId = z.string().regex(/^\d{1,9}$/);
/** 30 years. */
const seconds = z.number().nonnegative().max(1e9);
/** -1: it was not run to its end. */
const exitCode = z.int().min(-1).max(255);
/** Of what a check or verify.sh printed: a crew sends the last 8 KiB. */
const output = z.string().max(65_536);
/** A full object name, as git prints it. */
const commitId = z.string().regex(/^[0-9a-f]{40}$/);
/** A task's grant counter; each grant raises it. */
const epoch = z.number().int().positive();

export const TaskView = z.object({
  id: taskId,
  subject: z.string(),
  description: z.string(),
  activeForm: z.string().optional(),
  blockedBy: z.array(taskId),
  /** The plan's free metadata. Ours: `rehearsal` (shell command), `check` (shell command), `timeoutSeconds`, `tries`. */
  metadata: z.record(z.string(), z.unknown()),
});
export type TaskView = z.infer<typeof TaskView>;

export const Grant = z.object({
  task: TaskView,
  epoch,
  /** Tip of the voyage's branch, which holds every accepted blocker. The ship fetches it and resets to it. */
  tip: commitId,
  /** The task's own check, from the ledger's copy: a shell command run in the ship's tree, or null. */
  check: z.string().nullable(),
  /** Seconds the hand may take before it is stopped and the task released as failed. */
  timeoutSeconds: z.number().positive(),
  /** What the task's blockers delivered. */
  delivered: z.array(z.object({ task: taskId, subject: z.string(), commit: commitId, summary: z.string() })),
  /** For the hand `claude` only: the plan's spec.md, the plan's settings with the task's over them, what the captain answered. */
  spec: z.string().optional(),
  hand: HandSettings.extend({
    /** What this claim may spend: what is left of the task's budget and of the voyage's. */
    budgetUsd: z.number().nonnegative().optional(),
  }).optional(),
  answers: z.array(z.object({ question: z.string(), answer: z.string() })).optional(),
  /** Why the last try ended, when there was one. */
  lastReason: z.string().optional(),
  /** Wait for the captain's orders, in Claude Code's own screen, until told to end; what lies in the tree then is delivered (an empty sail). */
  orders: z.boolean().optional(),
  /** A session that an earlier life of this crew began for this very claim: to be resumed. */
  session: z.uuid().optional(),
});
export type Grant = z.infer<typeof Grant>;

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
export const HelloReply = z.object({
  voyage: z.object({ id: z.string(), stack: z.string(), branch: z.string(), name: z.string() }),
  ship: z.string(),
  hand: HandKind,
  /** The hand claims its tasks itself, in Claude Code's own screen, with these settings; the voyage's spec goes with them. */
  interactive: HandSettings.extend({ spec: z.string() }).optional(),
  leaseSeconds: z.number(),
  heartbeatSeconds: z.number(),
  /** Stop the hand when no heartbeat was acknowledged for this long (lease − 30 s, scaled down in tests). */
  fenceSeconds: z.number(),
  /** How long a ship with nothing to claim waits before it gives its hold back and ends. */
  lingerSeconds: z.number(),
  /** As in HeartbeatReply: so that a crew which finds nothing to do does not end before it has said. */
  trial: HandSettings.optional(),
  /** A claim this incarnation still holds (the supervisor restarted): go on with it. */
  claim: Grant.nullable(),
  /** This ship was unfit by its own faults, and is tried anew: its clone is made anew before the first claim. */
  anew: z.literal(true).optional(),
});
export type HelloReply = z.infer<typeof HelloReply>;

/** `only`: that task and no other, or `verify`: no task at all. The answer "nothing" then says which are free. */
export const ClaimRequest = z.object({
  requestId,
  incarnation: Incarnation,
  only: z.union([taskId, z.literal("verify")]).optional(),
});
export type ClaimRequest = z.infer<typeof ClaimRequest>;
export const ClaimReply = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("grant"), grant: Grant }),
  /** Run `script` (verify.sh of the ledger's copy) in a fresh checkout of `commit`. */
  z.object({ kind: z.literal("verify"), epoch, commit: commitId, script: z.string(), timeoutSeconds: z.number().positive() }),
  /** `waiting`: tasks are left but none is free. `done`: none is left. `paused`: a captain's order, a usage limit, or a spent budget. */
  z.object({
    kind: z.literal("nothing"),
    reason: z.enum(["waiting", "done", "paused"]),
    retryAfterSeconds: z.number(),
    free: z.array(taskId).optional(),
    /** Of the task that was asked for: why it is not granted. */
    why: z.string().optional(),
  }),
]);
export type ClaimReply = z.infer<typeof ClaimReply>;

const held = { requestId, incarnation: Incarnation, task: taskId, epoch };
export const Heartbeat = z.object({
  requestId,
  incarnation: Incarnation,
  claim: z.object({ task: taskId, epoch }).nullable(),
  /** One line for people: what the hand does now. */
  note: z.string().max(200).optional(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;
/**
 * `stop`: end the hand, release the claim, end (the voyage sinks or the ship is retired). `budget`: the voyage's is spent: end the hand at its
 * next gate, and give the claim back unharmed. `trial`: prove that the hand can work with these settings, and say so by `trial`; said until that is known.
 * `limitedUntil`: a usage limit holds this ship until then; absent: none does, or not any more.
 */
export const HeartbeatReply = z.object({
  steer: z.enum(["go", "budget", "stop"]),
  reason: z.string().optional(),
  trial: HandSettings.optional(),
  limitedUntil: z.iso.datetime().optional(),
});
export type HeartbeatReply = z.infer<typeof HeartbeatReply>;

export const AcceptRequest = z.object({
  ...held,
  /** Already pushed to `refs/ships/<ship>/<task>-<epoch>`. */
  commit: commitId,
  summary: z.string().max(4000),
  /** The check's testimony; null when the task has none. `output` is its tail. */
  check: z.object({ exitCode, output }).nullable(),
  seconds,
});
export type AcceptRequest = z.infer<typeof AcceptRequest>;
export const AcceptReply = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("accepted"), tip: commitId }),
  /** Nothing changed. The ship merges `tip` into its tree, its hand resolves `files`, the check runs again, and it asks anew. */
  z.object({ kind: z.literal("conflict"), tip: commitId, files: z.array(z.string()) }),
]);
export type AcceptReply = z.infer<typeof AcceptReply>;

export const ReleaseRequest = z.object({
  ...held,
  reason: z.string().max(8192),
  /** true: counts as a try; after the task's `tries` it is blocked. false: handed back unharmed. */
  failed: z.boolean(),
  /** The ship is at fault: it could not begin. Never with `failed`. After three such in a row it is given nothing more until it is launched anew. */
  fault: z.literal(true).optional(),
});
export type ReleaseRequest = z.infer<typeof ReleaseRequest>;
export const ReleaseReply = z.object({ status: z.enum(["pending", "blocked", "cancelled"]), tries: z.number().int() });
export type ReleaseReply = z.infer<typeof ReleaseReply>;

export const SessionRequest = z.object({ ...held, session: z.uuid() });
export type SessionRequest = z.infer<typeof SessionRequest>;

/** What was used, by one run or many, by Claude Code's own count; cost at list prices. */
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
/** Of one run, which is less than a plan may allow a task, and than a model can read in a year. */
const RunUsage = z.object({
  costUsd: z.number().nonnegative().max(100_000),
  inputTokens: z.int().nonnegative().max(1e12),
  outputTokens: z.int().nonnegative().max(1e12),
  cacheReadTokens: z.int().nonnegative().max(1e12),
  cacheCreationTokens: z.int().nonnegative().max(1e12),
  turns: z.int().nonnegative().max(1e9),
  seconds,
});
/** Of one run, without what its session had used before. A run of no task is the ship's and the voyage's alone. */
export const UsageRequest = z
  .object({
    requestId,
    incarnation: Incarnation,
    task: taskId.optional(),
    epoch: epoch.optional(),
    session: z.uuid(),
    run: z.uuid(),
    usage: RunUsage,
    /** The run goes on. */
    growing: z.boolean().optional(),
  })
  .refine((told) => (told.task === undefined) === (told.epoch === undefined), "task and epoch go together");
export type UsageRequest = z.infer<typeof UsageRequest>;

/** What came of the trial before the first task, once a launch; and later, that the hand has broken. `message`: what is wrong, in Claude Code's own words where it has any. */
export const TrialRequest = z.object({
  requestId,
  incarnation: Incarnation,
  fit: z.boolean(),
  message: z.string().max(2000),
});
export type TrialRequest = z.infer<typeof TrialRequest>;

/** `message`: Claude Code's own words, for people. */
export const LimitedRequest = z.object({
  requestId,
  incarnation: Incarnation,
  until: z.iso.datetime(),
  message: z.string().max(1000),
});
export type LimitedRequest = z.infer<typeof LimitedRequest>;
/** Until when the ship is held: the latest of what it has said, and what others have, as far as that counts. */
export const LimitedReply = z.object({ until: z.iso.datetime() });
export type LimitedReply = z.infer<typeof LimitedReply>;

export const AskRequest = z.object({ ...held, question: z.string().min(1).max(4000) });
export type AskRequest = z.infer<typeof AskRequest>;

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
/** Counts as a fault of the ship, as ReleaseRequest's `fault` does; not with `away`: the helm's git did not answer it, which may be nobody's. */
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

/** The calls of a ship, by the last part of their path: the body that each takes, and what 200 answers. */
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

/** Body of a 409. `stale-epoch` and `not-holder` say who holds the task now. */
export const Refusal = z.object({
  error: z.enum(["fenced", "stale-epoch", "not-holder", "unknown-commit", "check-failed", "wrong-incarnation"]),
  message: z.string(),
  holder: z.object({ ship: z.string(), incarnation: z.string(), epoch: z.number() }).nullable(),
});
export type Refusal = z.infer<typeof Refusal>;
