import { setTimeout as delay } from "node:timers/promises";

/** Waits for something that will happen by itself; bounded. */
export async function until<T>(what: string, probe: () => Promise<T> | T, timeoutMs = 10_000): Promise<T & {}> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(10);
  }
}
