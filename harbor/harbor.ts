import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { serveFleet } from "./http/server.ts";
import { serveShip } from "./http/ship-socket.ts";
import { type HarborClock, realClock } from "./sprites/clock.ts";
import { Fleet } from "./sprites/fleet.ts";
import { type Latency, latencyProfile } from "./sprites/latency.ts";
import { loadRecords } from "./sprites/sprite-records.ts";
import { openShipNet, type ShipNet, sweepShipNet } from "./vm/ship-net.ts";

export type HarborOptions = {
  /** Its folder: sprites, logs, doors. One harbor at a time may use it; the caller sees to that. */
  home: string;
  token?: string;
  latency?: Latency;
  clock?: HarborClock;
  /** Ships that are made are plain processes of the user, not confined. @default false */
  unconfined?: boolean;
  /** Ships that are made have networks of their own. Needs root. @default false */
  isolated?: boolean;
  /** @default 30 s, as the vendor's */
  idleMs?: number;
  /** @default 10 min */
  coldMs?: number;
  event?: (text: string) => void;
  /** Called by `POST /__harbor/shutdown`. */
  onShutdown?: () => void;
};

export type Harbor = {
  url: string;
  token: string;
  fleet: Fleet;
  /** With isolated ships: where they reach the captain's side. */
  captainAddress: string | undefined;
  close(): Promise<void>;
};

/** The sprites API on 127.0.0.1, with the sprites that are in `home` (design 13). Closing it ends all processes; files stay. */
export async function startHarbor(options: HarborOptions): Promise<Harbor> {
  mkdirSync(options.home, { recursive: true, mode: 0o700 });
  const isolated = options.isolated ?? false;
  const net = await openNet(options.home, isolated, options.event);
  const fleet = new Fleet({
    home: options.home,
    clock: options.clock ?? realClock,
    latency: options.latency ?? latencyProfile("none"),
    idleMs: options.idleMs ?? 30_000,
    coldMs: options.coldMs ?? 600_000,
    event: options.event ?? (() => {}),
    unconfined: options.unconfined ?? false,
    isolated,
    net,
    serveShip,
  });
  await fleet.load();
  const token = options.token ?? `harbor/local/${randomBytes(4).toString("hex")}/${randomBytes(24).toString("base64url")}`;
  const server = await serveFleet(fleet, token, options.onShutdown ?? (() => {}));
  return {
    url: server.url,
    token,
    fleet,
    captainAddress: net?.address,
    async close() {
      await fleet.stop();
      await net?.close();
      await server.close();
    },
  };
}

/** Also for ships of an earlier harbor that have networks of their own: none loses that by a setting. Where it cannot be, only they do not wake. */
async function openNet(home: string, isolated: boolean, event: HarborOptions["event"]): Promise<ShipNet | undefined> {
  if (isolated) return openShipNet(home);
  const tell = (error: Error) => void event?.(error.message);
  if (!loadRecords(home).records.some(({ host }) => host !== undefined)) return void (await sweepShipNet(home).catch(tell));
  return openShipNet(home).catch((error: Error) => void tell(error));
}
