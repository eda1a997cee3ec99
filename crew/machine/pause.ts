import { setTimeout as sleep } from "node:timers/promises";

/** After a fault of the ship: others may be faster meanwhile, and it does not spin. */
export const FAULT_PAUSE_MS = 1500;
/** After the helm's git did not answer this ship: another that must be woken first may be faster. Nobody counts these, so that alone keeps one from taking all. */
export const AWAY_PAUSE_MS = 10_000;

/** Waits `ms`, or until `signal` aborts: then throws its reason. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}

/** Wait before retry number `attempt` (from 0): doubling from 200 ms to 5 s, half of it chance, so that a fleet does not knock in step. */
export function backOffMs(attempt: number): number {
  const full = Math.min(5000, 200 * 2 ** attempt);
  return full / 2 + Math.random() * (full / 2);
}
