/**
 * The helm's door on a ship in a tailnet: it carries what is connected to a port of loopback to the captain's address
 * in the tailnet. tailscaled without a kernel interface takes connections only by its proxy; with the door, git and the
 * crew know one address of the helm, whatever the ship can do.
 *
 * The door is a service of the sprite (dynamic-providers/tailnet-node/ship-node.ts) and plain Node ≥ 22. Its argument
 * is its configuration file, which it reads anew for each connection, so that a captain whose address has changed is
 * found without a restart.
 */
import { readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { DoorConfig } from "../../lib/protocol/ship-files.ts";
import { connectBySocks } from "./socks.ts";

const file = process.argv[2] ?? "";
const readConfig = () => JSON.parse(readFileSync(file, "utf8")) as DoorConfig;

async function carry(near: Socket): Promise<void> {
  near.on("error", () => {});
  const { captain, port, socksPort } = readConfig();
  const far = socksPort === null ? connect({ host: captain, port }) : await connectBySocks(socksPort, captain, port);
  far.on("error", () => {});
  near.setNoDelay(true);
  far.setNoDelay(true);
  // When one side ends, so does the other. A connection that hangs is given up by the crew, which bounds its calls.
  await Promise.all([pipeline(near, far, { end: true }), pipeline(far, near, { end: true })]).finally(() => {
    near.destroy();
    far.destroy();
  });
}

const server = createServer({ allowHalfOpen: true }, (near) => {
  carry(near).catch((error: Error) => {
    near.destroy();
    if (!/premature close|ECONNRESET|EPIPE/i.test(`${error.message} ${(error as NodeJS.ErrnoException).code}`))
      console.error(`helm: ${error.message}`);
  });
});
server.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen({ host: "127.0.0.1", port: readConfig().port });
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
