import { setTimeout as delay } from "node:timers/promises";

type Options = {
  /**
   * The time between two looks, in milliseconds. A look that starts a program or asks over HTTP is better off with a
   * longer one.
   */
  everyMs?: number;
  /** What the error says beside `what`, for those who read in a log what did not happen. */
  said?: () => string | Promise<string>;
};

/** Waits until `probe` gives something, which is the result. @throws after `timeoutMs`, with `what` */
export async function until<T>(
  what: string,
  probe: () => Promise<T> | T,
  timeoutMs = 30_000,
  { everyMs = 25, said = () => "" }: Options = {},
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found) return found as Exclude<T, false | null | undefined>;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}\n${await said()}`.trimEnd());
    await delay(everyMs);
  }
}
