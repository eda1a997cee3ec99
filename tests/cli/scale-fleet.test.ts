import fc from "fast-check";
import { expect, test } from "vitest";
import { type FleetRow, isAtWork, scaleFleet } from "../../cli/sail/scale-fleet.ts";
import { fleetNumbers, shipName } from "../../lib/base/naming.ts";
import type { ShipRow } from "../../lib/protocol/status.ts";

const states: ShipRow["state"][] = ["new", "working", "idle", "ended", "lost", "fenced", "stopping"];
const fleet = fc.uniqueArray(fc.nat(12), { maxLength: 10 }).chain((numbers) =>
  fc.tuple(
    ...numbers.map((number) =>
      fc.record({
        ship: fc.constant(shipName(number)),
        state: fc.constantFrom(...states),
        task: fc.constantFrom(null, "7"),
        unfit: fc.constantFrom(undefined, "no"),
      }),
    ),
  ),
);
const count = fc.integer({ min: 1, max: 14 });

test("the settings mean exactly the ships that stay and those that come, and no ship that stays is another's", () => {
  fc.assert(
    fc.property(fleet, count, (rows, count) => {
      const { stay, go, come, settings } = scaleFleet(rows, count);
      const meant = fleetNumbers(settings.ships, settings.withoutShips).map(shipName);
      expect([...stay, ...come].sort()).toEqual(meant.sort());
      expect(meant).toHaveLength(count);
      expect([...stay, ...go].sort()).toEqual(rows.map(({ ship }) => ship).sort());
      expect(Math.min(go.length, come.length)).toBe(0);
      // Scaling back brings the fleet to its size with the same names, and nothing is left out for good.
      expect(Math.max(-1, ...settings.withoutShips)).toBeLessThan(count + settings.withoutShips.length);
      expect(scaleFleet(rows, rows.length + settings.withoutShips.length + 20).settings.withoutShips).toEqual([]);
    }),
  );
});

test("a ship at work goes only when every ship that stays is at work, too", () => {
  fc.assert(
    fc.property(fleet, count, (rows, count) => {
      const { stay, go } = scaleFleet(rows, count);
      const works = (ship: string) => isAtWork(rows.find((row) => row.ship === ship)!);
      if (go.some(works)) expect(stay.every(works)).toBe(true);
    }),
  );
});

const row = (ship: number, state: ShipRow["state"], task: string | null = null, unfit?: string): FleetRow => ({
  ship: shipName(ship),
  state,
  task,
  unfit,
});

test("those that can do nothing go before those that could, then the highest number; a lost ship's task saves it not", () => {
  const rows = [row(0, "lost", "1"), row(1, "working", "2"), row(2, "idle"), row(3, "ended"), row(4, "idle", null, "broken")];
  expect(scaleFleet(rows, 4).go).toEqual(["ship-4"]);
  expect(scaleFleet(rows, 3).go).toEqual(["ship-0", "ship-4"]);
  expect(scaleFleet(rows, 2).go).toEqual(["ship-0", "ship-3", "ship-4"]);
  expect(scaleFleet(rows, 1)).toEqual({
    stay: ["ship-1"],
    go: ["ship-0", "ship-2", "ship-3", "ship-4"],
    come: [],
    settings: { ships: 1, withoutShips: [0] },
  });
});

test("a fleet that grows takes the numbers that were left out first", () => {
  expect(scaleFleet([row(1, "working", "2"), row(3, "idle")], 5)).toEqual({
    stay: ["ship-1", "ship-3"],
    go: [],
    come: ["ship-0", "ship-2", "ship-4"],
    settings: { ships: 5, withoutShips: [] },
  });
});
