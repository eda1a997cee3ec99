import { type ClaimContext, forALease } from "../../claim/context.ts";
import { type GatePlaces, hangGates } from "../../gates/hook-settings.ts";
import { Halt } from "../../helm/halt.ts";

/**
 * Ends the crew of a ship on which the hand cannot work any more, with no task at fault. The helm is told first: until
 * the next launch, whose trial looks anew, it gives the ship no task and does not wake it for one. Otherwise ship and
 * task would go round for ever. Throws Halt "stop", or the signal's reason.
 */
export async function endUnfit(context: ClaimContext, why: string, signal: AbortSignal): Promise<never> {
  const { helm, journal } = context;
  const body = { fit: false, message: why.slice(0, 2000) };
  await helm.call("trial", body, forALease(context, signal)).catch((error: Error) => {
    signal.throwIfAborted();
    journal.note("trial", `the helm does not know that the hand cannot work: ${error.message}`);
  });
  throw new Halt("stop", why);
}

/**
 * Hangs the gates; where they do not hold, the crew ends as unfit.
 *
 * @param terminal whether Claude Code has its own screen
 */
export async function hangGatesOrEnd(
  context: ClaimContext,
  places: GatePlaces,
  signal: AbortSignal,
  terminal = false,
): Promise<void> {
  try {
    hangGates(places, terminal);
  } catch (error) {
    await endUnfit(context, (error as Error).message, signal);
  }
}

/**
 * Judges what a start of Claude Code has thrown: without the program the crew ends as unfit; any other error is thrown
 * on.
 */
export async function endWithoutClaude(context: ClaimContext, error: unknown, signal: AbortSignal): Promise<never> {
  const { message } = error as Error;
  if (/^cannot run claude/.test(message)) await endUnfit(context, `no Claude Code on this ship: ${message}`, signal);
  throw error;
}
