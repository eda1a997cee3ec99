import type { Settings } from "../lifecycle.ts";

/** May the work of this ship be lost (`ocaptain:abandonUnsynced`: ship names, by comma or as a JSON list)? */
export const isAbandoned = (settings: Settings, ship: string): boolean =>
  (settings.abandonUnsynced ?? "").split(/[^a-z0-9-]+/).includes(ship);
