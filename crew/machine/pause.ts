import { setTimeout as sleep } from "node:timers/promises";

/** The pause after a fault of this ship, so that it does not spin and others may take the task meanwhile. */
export const FAULT_PAUSE_MS = 1500;
/**
 * The pause after the helm's git did not answer this ship, in which another ship, even one that must be woken first,
 * may take the task. Such failures are not counted, so nothing else keeps one ship from taking all tasks.
 */
export const AWAY_PAUSE_MS = 10_000;

/** Waits `ms`, or until `signal` aborts: then it throws the signal's reason. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}

/**
 * Returns the wait before retry number `attempt` (from 0): it doubles from 200 ms to 5 s, and half of it is chance, so
 * that a fleet does not ask in step.
 */
export function backOffMs(attempt: number): number {
  const full = Math.min(5000, 200 * 2 ** attempt);
  return full / 2 + Math.random() * (full / 2);
}
