import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * One supervisor a ship: two would hold the same claim and reset each other's tree. The lock is an abstract unix socket, because the kernel
 * takes it away with the process, however that ends. Waits up to 15 s for one that is just ending; false when it stays.
 */
export async function onlyOne(name: string): Promise<boolean> {
  for (const deadline = performance.now() + 15_000; performance.now() < deadline; await sleep(200)) {
    const taken = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(`\0ocaptain-crew/${name}`, () => resolve(true));
      server.unref();
    });
    if (taken) return true;
  }
  return false;
}
