/**
 * The helm's door on a ship in a tailnet: what is connected to loopback's port is carried to the captain's address in the tailnet. tailscaled
 * without a kernel interface takes no plain connections, only by its proxy: so git and the crew know one address, whatever the ship can do.
 * A sprite service of its own (lib/tailnet/node/ship-node.ts), plain Node ≥ 22. Argument: its configuration file, read anew for each connection, so
 * that a captain whose address changed is found without a restart.
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
  // One side's end is the other's; the crew's own patience covers a connection that hangs.
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
