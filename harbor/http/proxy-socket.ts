import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import { z } from "zod";
import { startSession } from "../sprites/sessions.ts";
import type { HarborShip } from "../sprites/ship.ts";
import type { Vm } from "../vm/vm.ts";

/**
 * TCP into a ship by WebSocket: the client sends `{host, port}`, hears an answer, and then raw bytes go both ways.
 * Every pause cuts it.
 */

const Target = z.object({
  host: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]+$/)
    .default("localhost"),
  port: z.number().int().min(1).max(65_535),
});
const OPEN_MS = 10_000;
/** How long the connection in the ship outlives the client, so that what was written still arrives. */
const LAST_WORDS_MS = 1_000;
/** Unsent bytes at which the peer in the ship is paused. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;

/**
 * Serves one proxy. `release` ends what the call does to keep the ship awake: only traffic keeps it awake after that.
 */
export function proxyOverSocket(socket: WebSocket, ship: HarborShip, vm: Vm, now: number, release: () => void): void {
  socket.on("error", () => socket.terminate());
  const late = setTimeout(() => socket.close(1008, "no target"), OPEN_MS);
  socket.once("close", () => clearTimeout(late));
  socket.once("message", (data: Buffer, binary) => {
    clearTimeout(late);
    const target = binary ? undefined : targetOf(data.toString("utf8"));
    if (!target) return socket.close(1008, "the first message must be {host, port}");
    connect(socket, ship, vm, target, now)
      .catch((error: Error) => socket.close(1011, error.message.slice(0, 100)))
      .finally(release);
  });
}

function targetOf(text: string): z.infer<typeof Target> | undefined {
  try {
    return Target.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Resolves when the connection stands or was refused. It is made in the ship, by `ship-root/lib/relay.mjs`. */
async function connect(
  socket: WebSocket,
  ship: HarborShip,
  vm: Vm,
  { host, port }: z.infer<typeof Target>,
  now: number,
): Promise<void> {
  const relay = await startSession(vm, { argv: ["node", `${vm.helpers}/relay.mjs`, host, String(port)] }, now);
  const cut = () => {
    socket.terminate();
    relay.signal("SIGKILL");
  };
  ship.connections.add(cut);
  void relay.exited.then(() => {
    ship.connections.delete(cut);
    socket.close(1000);
  });
  socket.once("close", async () => {
    relay.resume();
    relay.endInput();
    await delay(LAST_WORDS_MS, undefined, { ref: false });
    relay.signal("SIGKILL");
  });
  socket.on("message", (data: Buffer) => {
    ship.touch();
    relay.write(data);
  });
  await new Promise<void>((settled) => {
    void relay.exited.then(() => settled());
    relay.listen(({ stream, data }) => {
      if (stream === "stderr") {
        const said = data.toString("utf8").trim();
        const answer =
          said === "connected" ? { status: "connected", target: `${host}:${port}` } : { status: "error", error: said };
        socket.send(JSON.stringify(answer));
        return settled();
      }
      ship.touch();
      socket.send(data, () => socket.bufferedAmount < HIGH_WATER_BYTES && relay.resume());
      if (socket.bufferedAmount >= HIGH_WATER_BYTES) relay.pause();
    });
  });
}
