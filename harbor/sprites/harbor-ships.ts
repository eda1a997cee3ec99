import { rm } from "node:fs/promises";
import { endShipProcesses } from "../vm/processes.ts";
import { freeHost } from "../vm/ship-net.ts";
import { clearSshEntries } from "../vm/ssh-entries.ts";
import { HarborShip, type ShipSettings } from "./ship.ts";
import { loadRecords, newRecord, type SpriteRecord, writeRecord } from "./sprite-records.ts";

/**
 * All sprites of one harbor, by name. A harbor that starts finds the sprites of the one before: cold, with their ids,
 * labels and files.
 */
export class HarborShips {
  readonly settings: ShipSettings;
  private readonly byName = new Map<string, HarborShip>();

  constructor(settings: ShipSettings) {
    this.settings = settings;
  }

  /** Finds the sprites that are in the harbor's folder, and clears what an earlier harbor left. */
  async load(): Promise<void> {
    const { home } = this.settings;
    clearSshEntries(home);
    // A harbor that was killed has left the processes of its unconfined ships.
    await endShipProcesses(home);
    const { records, remains } = loadRecords(home);
    for (const record of records) this.byName.set(record.name, new HarborShip(record, this.settings));
    await Promise.all(remains.map((folder) => rm(folder, { recursive: true, force: true }).catch(() => {})));
  }

  get(name: string): HarborShip | undefined {
    return this.byName.get(name);
  }

  /** All ships, sorted by name. */
  all(): HarborShip[] {
    return [...this.byName.values()].sort((a, b) => (a.record.name < b.record.name ? -1 : 1));
  }

  /** Makes a ship, cold. @returns undefined when the name is taken */
  create(name: string, wanted: Partial<Pick<SpriteRecord, "labels" | "urlSettings">>): HarborShip | undefined {
    if (this.byName.has(name)) return undefined;
    const { clock, unconfined, isolated } = this.settings;
    const host = isolated ? { host: freeHost(this.all().map(({ record }) => record.host)) } : {};
    const ship = new HarborShip({ ...newRecord(name, clock.now(), unconfined), ...host, ...wanted }, this.settings);
    writeRecord(this.settings.home, ship.record);
    this.byName.set(name, ship);
    this.settings.event(`${name} is created`);
    return ship;
  }

  update(ship: HarborShip, wanted: Partial<Pick<SpriteRecord, "labels" | "urlSettings">>): void {
    Object.assign(ship.record, wanted, { updatedAt: new Date(this.settings.clock.now()).toISOString() });
    writeRecord(this.settings.home, ship.record);
  }

  async remove(ship: HarborShip): Promise<void> {
    await ship.remove();
    if (this.byName.get(ship.record.name) === ship) this.byName.delete(ship.record.name);
  }

  /** Ends all processes; files and records stay. */
  async stop(): Promise<void> {
    const { event } = this.settings;
    await Promise.all([...this.byName.values()].map((ship) => ship.sleep("cold").catch((error: Error) => event(error.message))));
  }
}
