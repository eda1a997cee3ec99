import { randomUUID } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { shipState } from "../../lib/watch/ship-state.ts";
import { boardPaperShip, handClock, openPaperVoyage, scratchFolder } from "./paper.ts";

/** What a real helm's history makes of its ships, by a clock that the test moves. */
const TIMING = { leaseSeconds: 120, heartbeatSeconds: 10, fenceSeconds: 90, lingerSeconds: 8 };
const SILENCE = 30;

const step = fc.oneof(
  fc.record({
    ship: fc.constantFrom(0, 1),
    does: fc.constantFrom("hello", "beat", "quiet", "claim", "release", "open", "close", "leave"),
  }),
  fc.record({ does: fc.constantFrom("fence", "up", "restart"), ship: fc.constantFrom(0, 1) }),
  fc.record({ does: fc.constant("pass"), ship: fc.constantFrom(1, 12, 40, 100, 1300) }),
);

/** A history that has every state. */
const ALL = [
  ...["hello", "claim", "beat"].map((does) => ({ ship: 0, does })),
  { does: "restart", ship: 0 },
  { ship: 0, does: "quiet" },
  { does: "pass", ship: 1300 },
  { ship: 0, does: "quiet" },
  ...["hello", "beat", "leave"].map((does) => ({ ship: 1, does })),
  { does: "pass", ship: 40 },
  { does: "pass", ship: 100 },
  { does: "fence", ship: 0 },
];

test("after any history each ship has one state: idle, working or without progress only when heard of in time, asleep only after a goodbye", async () => {
  const states = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const scratch = scratchFolder();
      const clock = handClock();
      const open = () =>
        openPaperVoyage({ file: join(scratch.folder, "l.sqlite"), graph: { "1": [], "2": [], "3": [] }, timing: TIMING, clock });
      let voyage = await open();
      const board = (n: number) => boardPaperShip(voyage, `ship-${n}`, "vm");
      let ships = [await board(0), await board(1)];
      const heard = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
      const left = [false, false];
      let streams: (undefined | (() => void))[] = [];
      const say = async (n: number, call: () => Promise<unknown>) => {
        // A fenced ship is refused, as is one that releases what it does not hold; it was heard of all the same.
        await call().catch(() => {});
        heard[n] = clock.now();
      };
      const beat = (n: number, more: object) => {
        const { caller } = ships[n]!;
        return voyage.calls.answer("heartbeat", caller, { requestId: randomUUID(), incarnation: "vm", claim: null, ...more });
      };
      for (const { ship: n, does } of steps) {
        const ship = ships[n]!;
        if (does === "pass") clock.pass(n);
        if (does === "hello") await say(n, async () => ship.hello().then(() => (left[n] = false)));
        if (does === "beat") await say(n, () => beat(n, { quietSeconds: 0 }));
        if (does === "quiet") await say(n, () => beat(n, { quietSeconds: 1500 }));
        if (does === "leave") await say(n, () => beat(n, { leaving: "nothing to claim (done)" }).then(() => (left[n] = true)));
        if (does === "claim") await say(n, ship.claim);
        const task = voyage.ledger.claimOf(ship?.caller.life ?? 0);
        if (does === "release" && task) await say(n, () => ship.release(task.id, task.epoch));
        if (does === "open") await say(n, async () => (streams[n] ??= ship.present()));
        if (does === "close") streams[n] = void streams[n]?.();
        if (does === "fence") await voyage.crews.fence(`ship-${n}`, "vm", "test");
        if (does === "up") ships[n] = await board(n);
        if (does === "restart") {
          voyage.ledger.close();
          voyage = await open();
          ships = [await board(0), await board(1)];
          streams = [];
        }
        const status = voyage.status();
        for (const [index, row] of status.ships.entries()) {
          const state = shipState(row, status);
          states.add(state);
          const isHeard = clock.now() - heard[index]! <= SILENCE * 1000;
          if (["working", "idle", "no-progress"].includes(state))
            expect([state, isHeard || does === "restart"]).toEqual([state, true]);
          if (state === "asleep") expect(left[index]).toBe(true);
        }
      }
      voyage.ledger.close();
      scratch.remove();
    }),
    { numRuns: 25, examples: [[ALL]] },
  );
  for (const state of ["working", "idle", "asleep", "no-progress", "no-signal", "fenced", "lost", "unknown"])
    expect(states).toContain(state);
});
