import { z } from "zod";
import { SessionSettings } from "../plan/types.ts";
import { Version } from "../ship/facts.ts";
import { HandKind } from "./choices.ts";
import {
  type AcceptReply,
  type AcceptRequest,
  type AskRequest,
  type ClaimReply,
  type ClaimRequest,
  Grant,
  type ReleaseReply,
  type ReleaseRequest,
} from "./ship-claims.ts";
import { caller, epoch, seconds, taskId } from "./ship-fields.ts";
import type {
  LimitedReply,
  LimitedRequest,
  SessionRequest,
  TrialRequest,
  UnverifiedRequest,
  UsageRequest,
  VerifiedReply,
  VerifiedRequest,
} from "./ship-reports.ts";

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

/** The first call of a supervisor: its process id, and the versions of Node and git on its ship. */
export const Hello = z.object({
  ...caller,
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
  interactive: SessionSettings.extend({ spec: z.string() }).optional(),
  /**
   * Present when Claude Code's telemetry is collected: the crew hands it on to the helm (docs/telemetry.md). With
   * `contents` it has what prompts, answers and tools say.
   */
  telemetry: z.object({ contents: z.boolean() }).optional(),
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
  trial: SessionSettings.optional(),
  /** The claim that this incarnation still holds, with which a restarted supervisor goes on. */
  claim: Grant.nullable(),
  /**
   * Present when this ship was unfit by its own faults and is tried again: it makes its clone anew before its first
   * claim.
   */
  anew: z.literal(true).optional(),
});
export type HelloReply = z.infer<typeof HelloReply>;

export const Heartbeat = z.object({
  ...caller,
  claim: z.object({ task: taskId, epoch }).nullable(),
  /** What the hand does now, in one line for people. */
  note: z.string().max(200).optional(),
  /**
   * For how long nothing has come of the work: no output, no answer of the model, no commit. It is absent while there
   * is none, and so is it from a crew of earlier code.
   */
  quietSeconds: seconds.optional(),
  /** Why the crew ends by its own will now. It is the last word of this crew. */
  leaving: z.string().max(200).optional(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;
/**
 * The helm's answer to a heartbeat, by which it steers the crew.
 * - `steer` is `stop` when the crew is to end its hand, release its claim and end, because the voyage sinks, the ship
 *   is taken out, or a pause of the voyage has its tasks given back. It is `budget` when the voyage's budget is spent:
 *   the hand ends at its next gate, and the claim goes back unharmed.
 * - `trial` asks the crew to prove that its hand can work with these settings, and to report by the call `trial`. It is
 *   said until the result is known.
 * - `limitedUntil` is the end of a usage limit that holds this ship. It is absent when none does, or none does any
 *   more.
 */
export const HeartbeatReply = z.object({
  steer: z.enum(["go", "budget", "stop"]),
  reason: z.string().optional(),
  trial: SessionSettings.optional(),
  limitedUntil: z.iso.datetime().optional(),
});
export type HeartbeatReply = z.infer<typeof HeartbeatReply>;

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
