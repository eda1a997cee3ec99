import { type ClaimContext, forALease } from "../../claim/context.ts";
import { pause } from "../../machine/pause.ts";
import { type Failure, wordsOf } from "./failure.ts";

// How long failures of the API and of Claude Code are borne, in each way to run it.

/**
 * The most failures: of the API in a row, in each of which Claude Code itself has tried three times, or of Claude Code
 * in all.
 */
export const FAILURES = 6;
const LONGEST_BACK_OFF_MS = 5 * 60_000;
/**
 * How many heartbeats' time no ship gets a task after credentials were refused or the API stayed away: then one ship
 * tries again.
 */
const WAIT_HEARTBEATS = 30;
/** How long a limit is taken to last that does not say when it ends. */
const UNKNOWN_LIMIT_MS = 15 * 60_000;
/** The longest limit that is waited for with a claim in hand. */
export const LONGEST_WAIT_MS = 6 * 3600_000;
/** Over how much time ships spread that wait for the same end of a limit. */
const SPREAD_MS = 5000;

type Hello = Pick<ClaimContext["hello"], "heartbeatSeconds">;

/** Returns the wait after so many failures: one heartbeat's time, doubled with each, up to five minutes. */
export const backOff = ({ heartbeatSeconds }: Hello, failures: number): number =>
  Math.min(LONGEST_BACK_OFF_MS, heartbeatSeconds * 1000 * 2 ** Math.max(0, failures - 1));

const waitMs = ({ heartbeatSeconds }: Hello) => WAIT_HEARTBEATS * heartbeatSeconds * 1000;

/**
 * Tells the helm of a failure, so that no ship of the voyage is given a task until it may be over. Returns when that
 * is, in ms since the epoch: the latest time that any ship has named.
 */
export async function holdVoyage(context: ClaimContext, failure: Failure, signal: AbortSignal): Promise<number> {
  const { helm, hello } = context;
  const ms = failure.kind === "limit" ? UNKNOWN_LIMIT_MS : waitMs(hello);
  const until = new Date(failure.resetsAtMs ?? Date.now() + ms).toISOString();
  const body = { until, message: wordsOf(failure).slice(0, 1000) };
  const reply = await helm.call("limited", body, forALease(context, signal));
  return Date.parse(reply.until);
}

/** Waits `ms`, but no longer than there is money or until `isOver` says so. */
export async function waitWithMoney(context: ClaimContext, ms: number, signal: AbortSignal, isOver = () => false): Promise<void> {
  const { hello, steering } = context;
  const step = hello.heartbeatSeconds * 1000;
  for (let left = ms; left > 0 && steering.spent === null && !isOver(); left -= step) await pause(Math.min(left, step), signal);
}

/**
 * Waits until a limit is over. It is for a session that keeps the credentials it was started with, so that others do
 * not help it.
 */
export const waitOut = (context: ClaimContext, untilMs: number, signal: AbortSignal, isOver?: () => boolean): Promise<void> =>
  waitWithMoney(
    context,
    Math.max(0, untilMs - Date.now()) + Math.random() * Math.min(SPREAD_MS, waitMs(context.hello)),
    signal,
    isOver,
  );

/**
 * Waits as {@link waitOut} does, but ends as soon as the helm knows of no limit, or of one that ends before `untilMs`,
 * the end that the helm has named itself (see {@link holdVoyage}): then the captain has lifted that limit. A later end
 * is no reason to go on: ships that each name their own end would wake each other for ever.
 */
export function waitUnlessLifted(context: ClaimContext, untilMs: number, signal: AbortSignal): Promise<void> {
  const toldAt = performance.now();
  return waitOut(context, untilMs, signal, () => context.steering.isLifted(untilMs, toldAt));
}
