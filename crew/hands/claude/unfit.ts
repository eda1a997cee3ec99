import { type ClaimContext, forALease } from "../../claim/context.ts";
import { type GatePlaces, hangGates } from "../../gates/hook-settings.ts";
import { Halt } from "../../helm/halt.ts";

/**
 * The hand can work on this ship no more, and no task is at fault. The helm is told first: it gives the ship no task and does not wake it for one, until
 * the next launch, whose trial looks anew. Otherwise ship and task would go round for ever. Throws Halt "stop", or the signal's reason.
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

/** Hangs the gates; where they do not hold the ship is unfit. `terminal`: of a session with its own screen. */
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

/** Of what a start of Claude Code has thrown: without the program the ship is unfit; anything else is thrown on. */
export async function endWithoutClaude(context: ClaimContext, error: unknown, signal: AbortSignal): Promise<never> {
  const { message } = error as Error;
  if (/^cannot run claude/.test(message)) await endUnfit(context, `no Claude Code on this ship: ${message}`, signal);
  throw error;
}
