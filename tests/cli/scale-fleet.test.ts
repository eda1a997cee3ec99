import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Io } from "../../cli/output/io.ts";
import { type FleetRow, isAtWork, scaleFleet } from "../../cli/sail/scale-fleet.ts";
import { settleFleet } from "../../cli/sail/settle-fleet.ts";
import { fleetNumbers, shipName } from "../../lib/base/naming.ts";
import type { ShipRow, VoyageStatus } from "../../lib/protocol/status.ts";

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

describe("between the captain's word and the helm's", () => {
  const [idle, works] = [(ship: number) => row(ship, "idle"), (ship: number, task: string) => row(ship, "working", task)];
  const statusOf = (ships: FleetRow[]) =>
    ({ stack: "sea", ships, tasks: [1, 2, 3].map((id) => ({ id: `${id}`, subject: `Task ${id}` })) }) as VoyageStatus;

  /** Settles on one ship of a fleet, which is `asked` at first, and as `found` says when ships are put off duty. */
  async function settleOnOne(asked: FleetRow[], found: FleetRow[][], options: { drain?: boolean; yes?: boolean } = {}) {
    const off: string[] = [];
    const notes: string[] = [];
    const only = async (ships: readonly string[]) => {
      off.push(ships.join());
      return statusOf(found[Math.min(off.length, found.length) - 1]!);
    };
    const offDuty = { only, during: <T>(work: () => Promise<T>) => work(), end: async () => {} };
    const io = { note: (text) => notes.push(text), signal: new AbortController().signal } as Pick<Io, "note" | "signal"> as Io;
    const settled = await settleFleet(scaleFleet(asked, 1), statusOf(asked), offDuty, options, io);
    return { go: settled.go, off, notes };
  }

  test("an idle ship that was given a task meanwhile stays, and another idle one goes", async () => {
    const settled = await settleOnOne([idle(0), idle(1)], [[idle(0), works(1, "1")]]);
    expect(settled).toMatchObject({ go: ["ship-0"], off: ["ship-1", "ship-0"] });
  });

  test("what the captain has agreed to is stopped, and what came after that is not, unless --yes", async () => {
    const asked = [works(0, "1"), works(1, "2")];
    expect(await settleOnOne(asked, [asked])).toMatchObject({ go: ["ship-1"], off: ["ship-1"] });
    const others = [[works(0, "1"), works(1, "3")]];
    await expect(settleOnOne(asked, others)).rejects.toMatchObject({
      code: "SHIPS_CHANGED",
      message: "ships were given tasks meanwhile, and nothing was changed: task 3 (Task 3) on ship-1",
      hint: "ocaptain scale 1 sea --drain",
    });
    expect(await settleOnOne(asked, others, { yes: true })).toMatchObject({ go: ["ship-1"] });
  });

  test("--drain takes the ship that is through first, once it is off duty without a task, and stops nothing, also with --yes", async () => {
    const asked = [works(0, "1"), works(1, "2")];
    const found = [asked, [idle(0), works(1, "2")], [works(0, "3"), works(1, "2")], [works(0, "3"), idle(1)]];
    expect(await settleOnOne(asked, found, { drain: true, yes: true })).toEqual({
      go: ["ship-1"],
      off: ["ship-1", "ship-1", "ship-0", "ship-1"],
      notes: ["waits for task 2 (Task 2) on ship-1"],
    });
  });
});
