import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { type Clock, realClock } from "./clock.ts";
import { Fleet } from "./fleet.ts";
import { type Latency, latencyProfile } from "./latency.ts";
import { serveFleet } from "./server.ts";

export type HarborOptions = {
  /** Its folder: sprites, logs, doors. One harbor at a time may use it; the caller sees to that. */
  home: string;
  token?: string;
  latency?: Latency;
  clock?: Clock;
  /** Ships that are made are plain processes of the user, not confined. @default false */
  unconfined?: boolean;
  /** @default 30 s, as the vendor's */
  idleMs?: number;
  /** @default 10 min */
  coldMs?: number;
  event?: (text: string) => void;
  /** Called by `POST /__harbor/shutdown`. */
  onShutdown?: () => void;
};

export type Harbor = { url: string; token: string; fleet: Fleet; close(): Promise<void> };

/** The sprites API on 127.0.0.1, with the sprites that are in `home` (design 13). Closing it ends all processes; files stay. */
export async function startHarbor(options: HarborOptions): Promise<Harbor> {
  mkdirSync(options.home, { recursive: true, mode: 0o700 });
  const fleet = new Fleet({
    home: options.home,
    clock: options.clock ?? realClock,
    latency: options.latency ?? latencyProfile("none"),
    idleMs: options.idleMs ?? 30_000,
    coldMs: options.coldMs ?? 600_000,
    event: options.event ?? (() => {}),
    unconfined: options.unconfined ?? false,
  });
  await fleet.load();
  const token = options.token ?? `harbor/local/${randomBytes(4).toString("hex")}/${randomBytes(24).toString("base64url")}`;
  const server = await serveFleet(fleet, token, options.onShutdown ?? (() => {}));
  return {
    url: server.url,
    token,
    fleet,
    async close() {
      await fleet.stop();
      await server.close();
    },
  };
}
