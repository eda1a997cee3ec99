import { backOffMs, pause } from "../machine/pause.ts";

/** Failures that are not the line's doing: the same again is of no use for long. */
const TRIES = 5;

/**
 * What git says (in LC_ALL=C) when the helm cannot be reached, breaks off, or answers 401, 403 or 5xx: a token that is just being changed, a helm that
 * starts; and when it cannot write a ref there. Whether the ship is fenced, its heartbeat learns.
 */
const PASSES =
  /unable to access|RPC failed|early EOF|hung up|unexpected disconnect|Authentication failed|could not read Username|expected flush|remote rejected.*(failed to update ref|cannot lock ref|failed to write)/;
/** The remote end hangs up also when our own side has failed. */
const OURS = /No space left|is corrupt|bad object|missing (blob|tree|commit)/;

/** The helm could not be reached for as long as one waits for it. No failure of the work that was to be carried. */
export class HelmAway extends Error {
  override readonly name = "HelmAway";
}

/**
 * Runs a fetch or a push, again and again over what passes, for at most `totalMs` (as HelmClient.call does); another failure 5 times.
 * `job` is told how many of those there were. Throws {@link HelmAway}, git's error, the signal's reason.
 */
export async function retryTransfer(
  job: (failures: number) => Promise<unknown>,
  options: { totalMs: number; signal: AbortSignal },
): Promise<void> {
  const started = performance.now();
  let failures = 0;
  for (let attempt = 0; ; attempt++) {
    try {
      await job(failures);
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      const { name, message } = error as Error;
      const passes = name === "TimeoutError" || (PASSES.test(message) && !OURS.test(message));
      if (!passes && ++failures >= TRIES) throw error;
      const waitMs = backOffMs(passes ? attempt : failures - 1);
      if (performance.now() - started + waitMs > options.totalMs) {
        if (!passes) throw error;
        throw new HelmAway(`the helm's git did not answer for ${Math.round(options.totalMs / 1000)} s: ${message}`);
      }
      await pause(waitMs, options.signal);
    }
  }
}
