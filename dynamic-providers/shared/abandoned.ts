import type { Settings } from "../lifecycle.ts";

/**
 * Whether the work of this ship may be lost, as `ocaptain:abandonUnsynced` says: names of ships, by comma or as a JSON
 * list.
 */
export const isAbandoned = (settings: Settings, ship: string): boolean =>
  (settings.abandonUnsynced ?? "").split(/[^a-z0-9-]+/).includes(ship);
