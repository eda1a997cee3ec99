import { HelmAway } from "../helm/halt.ts";
import { backOffMs, pause } from "../machine/pause.ts";

/** How often a failure that is not the line's doing is tried: the same again is of no use for long. */
const TRIES = 5;

/**
 * What git says (in LC_ALL=C) about failures that pass: the helm cannot be reached or breaks off, it answers 401, 403
 * or 5xx (a token that is just being changed, a helm that starts), or it cannot write a ref at this moment. Whether the
 * ship is fenced is learned by its heartbeat.
 */
const PASSES =
  /unable to access|RPC failed|early EOF|hung up|unexpected disconnect|Authentication failed|could not read Username|expected flush|remote rejected.*(failed to update ref|cannot lock ref|failed to write)/;
/** What git says when this ship's side has failed; the remote end hangs up then too. */
const OURS = /No space left|is corrupt|bad object|missing (blob|tree|commit)/;

/**
 * Runs `job`, a fetch or a push, again and again over what passes, for at most `totalMs`; over any other failure 5
 * times. `job` is told how many of those other failures there were.
 *
 * @throws HelmAway, git's error, the signal's reason
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
