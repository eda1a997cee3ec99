import { type ClaimContext, forALease } from "../../claim/context.ts";
import { pause } from "../../machine/pause.ts";
import { type Failure, wordsOf } from "./failure.ts";

/** How long failures are put up with: the same for each way to run Claude Code. */

/** Before it is no use to try again: of the API in a row, in each of which Claude Code itself tries three times; of Claude Code in all. */
export const FAILURES = 6;
const LONGEST_BACK_OFF_MS = 5 * 60_000;
/** So many heartbeats' time the voyage waits for credentials that are refused, or an API that stays away: then somebody looks again. */
const WAIT_HEARTBEATS = 30;
/** When a limit does not say when it is over. */
const UNKNOWN_LIMIT_MS = 15 * 60_000;
/** A limit that lasts longer is not waited for with a claim in hand. */
export const LONGEST_WAIT_MS = 6 * 3600_000;
/** Not all ships in the same second. */
const SPREAD_MS = 5000;

type Hello = Pick<ClaimContext["hello"], "heartbeatSeconds">;

/** Doubled from one heartbeat's time. */
export const backOff = ({ heartbeatSeconds }: Hello, failures: number): number =>
  Math.min(LONGEST_BACK_OFF_MS, heartbeatSeconds * 1000 * 2 ** Math.max(0, failures - 1));

const waitMs = ({ heartbeatSeconds }: Hello) => WAIT_HEARTBEATS * heartbeatSeconds * 1000;

/** No ship of the voyage is given a task until it is over, or may be. Returns when that is, ms since the epoch: the latest that any ship has named. */
export async function holdVoyage(context: ClaimContext, failure: Failure, signal: AbortSignal): Promise<number> {
  const { helm, hello } = context;
  const ms = failure.kind === "limit" ? UNKNOWN_LIMIT_MS : waitMs(hello);
  const until = new Date(failure.resetsAtMs ?? Date.now() + ms).toISOString();
  const body = { until, message: wordsOf(failure).slice(0, 1000) };
  const reply = await helm.call("limited", body, forALease(context, signal));
  return Date.parse(reply.until);
}

/** Waits `ms`, and no longer than there is money: then whoever waits ends. */
export async function waitWithMoney(context: ClaimContext, ms: number, signal: AbortSignal, isOver = () => false): Promise<void> {
  const { hello, steering } = context;
  const step = hello.heartbeatSeconds * 1000;
  for (let left = ms; left > 0 && steering.spent === null && !isOver(); left -= step) await pause(Math.min(left, step), signal);
}

/** Waits until a limit is over. For a session that keeps the credentials it was started with: others do not help it. */
export const waitOut = (context: ClaimContext, untilMs: number, signal: AbortSignal, isOver?: () => boolean): Promise<void> =>
  waitWithMoney(
    context,
    Math.max(0, untilMs - Date.now()) + Math.random() * Math.min(SPREAD_MS, waitMs(context.hello)),
    signal,
    isOver,
  );

/**
 * As {@link waitOut}, but ends as soon as the helm knows of no limit, or of one that ends before `untilMs`, which it has named itself
 * ({@link holdVoyage}): the captain has lifted that one. A later end is no reason: ships that each name their own would call each other up for ever.
 */
export function waitUnlessLifted(context: ClaimContext, untilMs: number, signal: AbortSignal): Promise<void> {
  const toldAt = performance.now();
  return waitOut(context, untilMs, signal, () => context.steering.isLifted(untilMs, toldAt));
}
