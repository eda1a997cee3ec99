import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { serveShips } from "./http/server.ts";
import { serveShip } from "./http/ship-socket.ts";
import { Account, accountLimits, type Limits } from "./sprites/account.ts";
import { type HarborClock, realClock } from "./sprites/clock.ts";
import { defaultDiskMiB, watchDisk } from "./sprites/disk-watch.ts";
import { HarborShips } from "./sprites/harbor-ships.ts";
import { type Latency, latencyProfile } from "./sprites/latency.ts";
import { loadRecords } from "./sprites/sprite-records.ts";
import { defaultMost, type Most, openShipsLimits } from "./vm/ship-limits.ts";
import { openShipNet, type ShipNet, sweepShipNet } from "./vm/ship-net.ts";

export type HarborOptions = {
  /**
   * The folder with the sprites, the logs and the entries for ssh. The caller sees to it that one harbor at a time uses
   * it.
   */
  home: string;
  token?: string;
  latency?: Latency;
  /** What the account of its callers may do. @default as much as they like */
  account?: Limits;
  clock?: HarborClock;
  /** The most that a ship may take of this machine. @default what `defaultMost` and `defaultDiskMiB` say */
  most?: Partial<Most & { diskMiB: number }>;
  /** New ships are plain processes of the user, without confinement. @default false */
  unconfined?: boolean;
  /** New ships have networks of their own, which needs root. @default false */
  isolated?: boolean;
  /** Idle time after which a ship is frozen, in milliseconds. @default 30 s, as the vendor's */
  idleMs?: number;
  /** Time frozen after which a ship is cold, in milliseconds. @default 10 min */
  coldMs?: number;
  /** Is told what happens, in one line each. */
  event?: (text: string) => void;
  /** Called by `POST /__harbor/shutdown`. */
  onShutdown?: () => void;
};

export type Harbor = {
  url: string;
  token: string;
  ships: HarborShips;
  /** The address at which ships with networks of their own reach the captain's side. */
  captainAddress: string | undefined;
  /** What bounds a ship's memory and processes here, for people. */
  limits: string;
  close(): Promise<void>;
};

/**
 * Serves the sprites API on 127.0.0.1, with the sprites that are in `home`. Closing it ends all their processes; files
 * stay.
 */
export async function startHarbor(options: HarborOptions): Promise<Harbor> {
  mkdirSync(options.home, { recursive: true, mode: 0o700 });
  const isolated = options.isolated ?? false;
  const limits = openShipsLimits(options.home, { ...defaultMost(), ...options.most });
  const net = await openNet(options.home, isolated, options.event);
  const ships = new HarborShips({
    home: options.home,
    clock: options.clock ?? realClock,
    latency: options.latency ?? latencyProfile("none"),
    account: new Account(options.account ?? accountLimits("none")),
    idleMs: options.idleMs ?? 30_000,
    coldMs: options.coldMs ?? 600_000,
    event: options.event ?? (() => {}),
    limits,
    unconfined: options.unconfined ?? false,
    isolated,
    net,
    serveShip,
  });
  await ships.load();
  const { home, clock, event } = ships.settings;
  const stopWatching = watchDisk(ships, { home, clock, event, mostMiB: options.most?.diskMiB ?? defaultDiskMiB(home) });
  const token = options.token ?? `harbor/local/${randomBytes(4).toString("hex")}/${randomBytes(24).toString("base64url")}`;
  const server = await serveShips(ships, token, options.onShutdown ?? (() => {}));
  return {
    url: server.url,
    token,
    ships,
    captainAddress: net?.address,
    limits: limits.told,
    async close() {
      stopWatching();
      await ships.stop();
      await net?.close();
      limits.close();
      await server.close();
    },
  };
}

/**
 * The network of ships; undefined when no ship has one of its own. Ships that an earlier harbor gave one keep it,
 * whatever the setting is now; where it cannot be made, only those ships do not wake.
 */
async function openNet(home: string, isolated: boolean, event: HarborOptions["event"]): Promise<ShipNet | undefined> {
  if (isolated) return openShipNet(home);
  const tell = (error: Error) => void event?.(error.message);
  if (!loadRecords(home).records.some(({ host }) => host !== undefined)) return void (await sweepShipNet(home).catch(tell));
  return openShipNet(home).catch((error: Error) => void tell(error));
}
