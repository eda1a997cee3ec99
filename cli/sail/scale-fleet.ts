import { fleetNumbers, shipName, shipNumber } from "../../lib/base/naming.ts";
import { plain } from "../../lib/base/text.ts";
import type { ShipRow, VoyageStatus } from "../../lib/protocol/status.ts";

/** What of a ship says whether it can be spared. */
export type FleetRow = Pick<ShipRow, "ship" | "state" | "task" | "unfit">;

/** A fleet of another size: the ships that stay, those that go and come, and the settings that say so to Pulumi. */
export type ScaledFleet = {
  stay: string[];
  go: string[];
  come: string[];
  settings: { ships: number; withoutShips: number[] };
};

/**
 * Works out a fleet of `count` ships. A ship keeps its name and its VM as long as it stays. Those that go are first the
 * ones that do nothing, last the ones at work, and among equals the highest number. Those that come take the lowest
 * numbers that are free.
 */
export function scaleFleet(rows: readonly FleetRow[], count: number): ScaledFleet {
  const here = rows.flatMap((row) => shipNumber(row.ship) ?? []).sort((a, b) => a - b);
  const worth = new Map(rows.map((row) => [shipNumber(row.ship), worthOf(row)]));
  const kept = new Set([...here].sort((a, b) => worth.get(b)! - worth.get(a)! || a - b).slice(0, count));
  const stay = here.filter((number) => kept.has(number));
  const come = fleetNumbers(count - stay.length, here);
  const all = [...stay, ...come].sort((a, b) => a - b);
  const withoutShips = Array.from({ length: (all.at(-1) ?? 0) + 1 }, (_, number) => number).filter(
    (number) => !all.includes(number),
  );
  return {
    stay: stay.map(shipName),
    go: here.filter((number) => !kept.has(number)).map(shipName),
    come: come.map(shipName),
    settings: { ships: count, withoutShips },
  };
}

/** Whether a ship does something that would have to be begun anew: a task, or verify.sh. */
export const isAtWork = ({ state, task }: FleetRow): boolean =>
  state === "working" || (task !== null && state !== "lost" && state !== "fenced");

/** What a ship is at: `task 7 (Write the parser)`, or `verify.sh`; undefined when it does nothing. */
export function workOf(ship: string, { ships, tasks }: Pick<VoyageStatus, "ships" | "tasks">): string | undefined {
  const row = ships.find((each) => each.ship === ship);
  if (!row || !isAtWork(row)) return undefined;
  if (row.task === null) return "verify.sh";
  return `task ${row.task} (${plain(tasks.find(({ id }) => id === row.task)?.subject ?? "")})`;
}

/** What goes on on these ships, as `task 7 (Write the parser) on ship-2`; empty when nothing does. */
export const worksOn = (ships: readonly string[], status: Pick<VoyageStatus, "ships" | "tasks">): string[] =>
  ships.flatMap((ship) => {
    const work = workOf(ship, status);
    return work ? [`${work} on ${ship}`] : [];
  });

/** 2: it works; 1: it could; 0: it cannot, or nobody hears of it. */
function worthOf(row: FleetRow): number {
  if (isAtWork(row)) return 2;
  return row.unfit === undefined && (row.state === "idle" || row.state === "ended" || row.state === "new") ? 1 : 0;
}
