import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports that no kernel gives to whoever names none: Linux gives those from 32,768 on, and macOS those from 49,152 on.
 * Pulumi's engine takes some at each call, and would take one that was found here before its program listens.
 */
const [FIRST, LAST] = [12_000, 32_767];
const TRIES = 100;

/**
 * Finds a TCP port of 127.0.0.1 on which no program listens now. Another program that names its port may take it before
 * the caller does.
 */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = randomInt(FIRST, LAST + 1);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EADDRINUSE" && tries < TRIES) continue;
      throw error;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
