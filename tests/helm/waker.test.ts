import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import { Waker } from "../../helm/voyage/wake.ts";
import { spriteName } from "../../lib/base/naming.ts";
import type { ExecResult, SpritesClient } from "../../lib/sprites/types.ts";
import { makePlan } from "../support/helm-voyage.ts";
import { boardPaperShip, type HandClock, handClock, openPaperVoyage, scratchFolder } from "./paper.ts";

/**
 * These tests are of which ships the helm wakes, and when. Clock and provider are the test's; wake.test.ts and
 * wake-crew.test.ts have real ones.
 */
const TIMING = { leaseSeconds: 120, heartbeatSeconds: 10, fenceSeconds: 90, lingerSeconds: 8 };

let scratch: ReturnType<typeof scratchFolder>;
let clock: HandClock;
let voyage: Voyage;
let waker: Waker;
/** The ships that were woken, in order; each exec ends when the test says so. */
let woken: string[];
let endings: ((result: ExecResult) => void)[];
beforeEach(async () => {
  scratch = scratchFolder();
  clock = handClock();
  woken = [];
  endings = [];
  const graph = { "1": [], "2": [], "3": ["1", "2"] };
  voyage = await openPaperVoyage({ file: join(scratch.folder, "l.sqlite"), graph, timing: TIMING, clock });
  const nameOf = (ship: string) => spriteName("v", "abc123", ship);
  const sprites = {
    get: async (name: string) => {
      const row = voyage.status().ships.find(({ ship }) => nameOf(ship) === name);
      return { id: row!.incarnation, name };
    },
    exec: (name: string) => {
      woken.push(name.slice(-"ship-0".length));
      return new Promise((resolve) => endings.push(resolve));
    },
  } as unknown as SpritesClient;
  waker = new Waker(voyage.context, voyage.crews, async () => sprites);
});
afterEach(() => {
  waker.close();
  voyage.ledger.close();
  scratch.remove();
});

async function come(name: string) {
  const ship = await boardPaperShip(voyage, name);
  await ship.hello();
  return { ...ship, closePresence: ship.present() };
}
/** Lets the helm look, and waits for what it begins, up to the exec. */
async function look(): Promise<string[]> {
  await waker.look();
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  return woken;
}

test("nobody is woken for a task that an idle ship will take; when that one froze, its stream still open, another is", async () => {
  const [a, b, c] = [await come("ship-0"), await come("ship-1"), await come("ship-2")];
  const [one, two] = [await a.grant(), await b.grant()];
  c.closePresence();
  await b.release(two.task.id, two.epoch);
  expect(await look()).toEqual([]);
  clock.pass(29);
  await a.heartbeat();
  expect(await look()).toEqual([]);
  clock.pass(2);
  expect(voyage.shipRow("ship-1")).toMatchObject({ connected: false, state: "ended" });
  expect(await look()).toEqual(["ship-1"]);
  expect(voyage.shipRow("ship-0")).toMatchObject({ connected: true, task: one.task.id });
});

test("a ship that froze with its claim, its stream still open, is woken after three heartbeats, long before its lease ends", async () => {
  const a = await come("ship-0");
  await a.grant();
  clock.pass(30);
  expect(await look()).toEqual([]);
  clock.pass(1);
  expect(await look()).toEqual(["ship-0"]);
  // There is one attempt at a time, and a back-off after it.
  clock.pass(10);
  expect(await look()).toEqual(["ship-0"]);
  endings[0]?.({ exitCode: 0, stdout: "", stderr: "" });
  expect(await look()).toEqual(["ship-0"]);
  clock.pass(2);
  expect(await look()).toEqual(["ship-0", "ship-0"]);
});

test("a ship that is slow to wake holds up no other", async () => {
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  await a.grant();
  clock.pass(20);
  await b.heartbeat();
  await b.grant();
  clock.pass(11);
  expect(await look()).toEqual(["ship-0"]);
  clock.pass(20);
  expect(await look()).toEqual(["ship-0", "ship-1"]);
});

test("as many ships that ended are woken as there are free tasks; one told to stop, one that never came up and a fenced one are not", async () => {
  const ships = [await come("ship-0"), await come("ship-1"), await come("ship-2"), await come("ship-3")];
  await boardPaperShip(voyage, "ship-4");
  const claims = [await ships[0]!.grant(), await ships[1]!.grant()];
  await voyage.crews.stop("ship-2", "vm-ship-2");
  for (const ship of ships) ship.closePresence();
  await voyage.crews.fence("ship-1", "vm-ship-1", "test");
  await ships[0]!.release(claims[0]!.task.id, claims[0]!.epoch);
  // The release was heard after the stream closed, so the ship counts as there for three heartbeats more.
  clock.pass(31);
  expect(voyage.status().ships.map((row) => row.state)).toEqual(["ended", "fenced", "ended", "ended", "new"]);
  expect((await look()).sort()).toEqual(["ship-0", "ship-3"]);
  expect(await look()).toHaveLength(2);
});

test("a ship whose hand cannot work is not woken, and its being there keeps no other asleep", async () => {
  const [unfit, fit] = [await come("ship-0"), await come("ship-1")];
  const hand = { stack: "v", plan: makePlan({ "1": [] }), hand: "claude" } as const;
  await voyage.register({ ...hand, timing: voyage.context.timing });
  voyage.ledger.setFitness(unfit.caller.life, { unfit: "Invalid API key" });
  voyage.ledger.setFitness(fit.caller.life, "fit");
  fit.closePresence();
  clock.pass(31);
  await unfit.heartbeat();
  expect(voyage.status().ships.map((row) => row.state)).toEqual(["idle", "ended"]);
  expect(await look()).toEqual(["ship-1"]);
  unfit.closePresence();
  clock.pass(31);
  expect(await look()).toEqual(["ship-1"]);
});

test("a ship that says in mid-task that its hand cannot work is not woken for the task it gives back, until it is launched anew", async () => {
  const hand = { stack: "v", plan: makePlan({ "1": [] }), hand: "claude" } as const;
  await voyage.register({ ...hand, timing: voyage.context.timing });
  const ship = await come("ship-0");
  const prove = (fit: boolean) =>
    voyage.calls.answer("trial", ship.caller, { requestId: randomUUID(), incarnation: "vm-ship-0", fit, message: "no gates" });
  await prove(true);
  const { task, epoch } = await ship.grant();
  await prove(false);
  await ship.release(task.id, epoch);
  expect(await ship.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  ship.closePresence();
  clock.pass(31);
  expect(voyage.shipRow("ship-0")).toMatchObject({ state: "ended", unfit: "no gates" });
  expect(await look()).toEqual([]);
  const closeAgain = (await come("ship-0")).closePresence;
  await prove(true);
  expect(voyage.shipRow("ship-0")!.unfit).toBeUndefined();
  closeAgain();
  clock.pass(31);
  expect(await look()).toEqual(["ship-0"]);
});

test("while ships that sleep are woken for the work that is left the voyage sails; when three calls brought none of them it is stalled", async () => {
  const state = async () => (await voyage.status()).state;
  const ship = await come("ship-0");
  expect(await state()).toBe("sailing");
  ship.closePresence();
  clock.pass(31);
  expect(voyage.shipRow("ship-0")).toMatchObject({ state: "ended" });
  for (const calls of [1, 2]) {
    await look();
    expect(voyage.shipRow("ship-0")).toMatchObject({ unanswered: calls });
    expect(await state()).toBe("sailing");
    endings.at(-1)!({ exitCode: 1, stdout: "", stderr: "no route" });
    await look();
    clock.pass(60);
  }
  await look();
  expect(await state()).toBe("stalled");
  await ship.hello();
  ship.present();
  expect(voyage.shipRow("ship-0")!.unanswered).toBeUndefined();
  expect(await state()).toBe("sailing");
});

test("a ship that is gone does not show what it did last as what it does", async () => {
  const ship = await come("ship-0");
  voyage.context.liveness.seen(ship.caller.life, { note: "editing main.ts" });
  expect(voyage.shipRow("ship-0")).toMatchObject({ state: "idle", note: "editing main.ts" });
  ship.closePresence();
  clock.pass(31);
  expect(voyage.shipRow("ship-0")).toMatchObject({ state: "ended", note: null });
});
