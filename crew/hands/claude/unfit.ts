import type { Deck } from "../../deck.ts";
import { Halt } from "../../halt.ts";

/**
 * The hand can work on this ship no more, and no task is at fault. The helm is told first: it gives the ship no task and does not wake it for one, until
 * the next launch, whose trial looks anew. Otherwise ship and task would go round for ever. Throws Halt "stop", or the signal's reason.
 */
export async function endUnfit({ helm, hello, journal }: Deck, why: string, signal: AbortSignal): Promise<never> {
  const body = { fit: false, message: why.slice(0, 2000) };
  await helm.call("trial", body, { totalMs: hello.leaseSeconds * 1000, signal }).catch((error: Error) => {
    signal.throwIfAborted();
    journal.note("trial", `the helm does not know that the hand cannot work: ${error.message}`);
  });
  throw new Halt("stop", why);
}
