import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import { boardPaperShip, type HandClock, handClock, openPaperVoyage } from "./paper.ts";

const TIMING = { leaseSeconds: 60, heartbeatSeconds: 5, fenceSeconds: 45, lingerSeconds: 5 };
const [MINUTE, HOUR] = [60, 3600];

let folder: string;
let clock: HandClock;
let voyage: Voyage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "oc-lim-"));
  clock = handClock();
  const graph = { "1": [], "2": [], "3": [], "4": [] };
  voyage = await openPaperVoyage({ file: join(folder, "l.sqlite"), graph, timing: TIMING, clock });
});
afterEach(() => {
  voyage.ledger.close();
  rmSync(folder, { recursive: true, force: true });
});

async function come(name: string) {
  const { caller } = await boardPaperShip(voyage, name);
  const ask = () => ({ requestId: randomUUID(), incarnation: caller.incarnation });
  await voyage.calls.answer("hello", caller, { ...ask(), pid: 1, node: "24", git: "2" });
  const later = (seconds: number) => new Date(clock.wallMs() + seconds * 1000).toISOString();
  return {
    later,
    limited: async (seconds: number, message = `${name}'s limit`) =>
      (await voyage.calls.answer("limited", caller, { ...ask(), until: later(seconds), message })).until,
    claim: async () => (await voyage.calls.answer("claim", caller, ask())).kind,
    held: async () => (await voyage.calls.answer("heartbeat", caller, { ...ask(), claim: null })).limitedUntil,
  };
}
const row = (ship: string) => voyage.shipRow(ship)!;

test("one ship's word holds that ship to its end, the others for ten minutes: then one of them tries, and status says whose word it is", async () => {
  const [liar, other] = [await come("ship-0"), await come("ship-1")];
  const end = await liar.limited(8 * 24 * HOUR - 1);
  expect(await other.claim()).toBe("nothing");
  expect(voyage.status()).toMatchObject({
    state: "limited",
    limited: { until: other.later(10 * MINUTE), message: "ship-0's limit", by: ["ship-0"] },
  });
  clock.pass(10 * MINUTE - 1);
  expect(await other.claim()).toBe("nothing");
  clock.pass(2);
  expect(voyage.status().limited).toBeUndefined();
  expect(row("ship-0").limited).toEqual({ until: end, message: "ship-0's limit", by: ["ship-0"] });
  expect([row("ship-0").hasWork, row("ship-1").hasWork]).toEqual([false, true]);
  expect(await other.claim()).toBe("grant");
  expect(await liar.claim()).toBe("nothing");
});

test("said again and again it holds the others for ten minutes in six hours, and no longer", async () => {
  const [liar, other] = [await come("ship-0"), await come("ship-1")];
  let held = 0;
  for (let minute = 0; minute < 12 * 60; minute++) {
    await liar.limited(5 * HOUR);
    if (await other.held()) held++;
    clock.pass(MINUTE);
  }
  expect(held).toBe(20);
});

test("two ships that agree hold all to the earlier of their ends; one of them cannot make it later", async () => {
  const [a, b, c] = [await come("ship-0"), await come("ship-1"), await come("ship-2")];
  await a.limited(8 * 24 * HOUR);
  await b.limited(5 * HOUR);
  expect(voyage.status().limited).toMatchObject({ by: ["ship-0", "ship-1"] });
  clock.pass(5 * HOUR - 1);
  expect(await c.claim()).toBe("nothing");
  clock.pass(2);
  expect(await c.claim()).toBe("grant");
  expect([await b.claim(), await a.claim()]).toEqual(["grant", "nothing"]);
});

test("a voyage's only ship is held by its own word, as long as any limit lasts, and no longer", async () => {
  const only = await come("ship-0");
  expect(await only.limited(1e9)).toBe(only.later(8 * 24 * HOUR));
  expect(voyage.status().state).toBe("limited");
  clock.pass(7 * 24 * HOUR);
  expect(await only.claim()).toBe("nothing");
  clock.pass(24 * HOUR + 1);
  expect(await only.claim()).toBe("grant");
});

test("a fenced ship's word holds nobody, nor does that of one that is not there any more", async () => {
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  await a.limited(5 * HOUR);
  await voyage.crews.fence("ship-0", "vm-ship-0", "circles");
  expect(await b.claim()).toBe("grant");
  await voyage.crews.forget("ship-0");
  expect(voyage.status().limited).toBeUndefined();
});

test("the captain ends it: all are given tasks at once, whoever waits is told, and the same ship alone does not hold the others again", async () => {
  const [a, b] = [await come("ship-0"), await come("ship-1")];
  await a.limited(5 * HOUR);
  await b.limited(5 * HOUR);
  expect(await voyage.liftLimits()).toEqual(["ship-0", "ship-1"]);
  expect([await a.held(), await b.held(), voyage.status().limited]).toEqual([undefined, undefined, undefined]);
  await a.limited(5 * HOUR);
  expect([await a.claim(), await b.claim()]).toEqual(["nothing", "grant"]);
  expect(await voyage.liftLimits()).toEqual(["ship-0"]);
  expect(await a.claim()).toBe("grant");
  expect(await voyage.liftLimits()).toEqual([]);
});

test("an earlier helm's word of a limit is over with the next launch, and in nobody's way", async () => {
  const ship = await come("ship-0");
  await voyage.ledger.write(() => {
    voyage.ledger.setMeta("limited", JSON.stringify({ until: "2099-01-01T00:00:00.000Z", message: "old" }));
    voyage.ledger.setMeta("limits", JSON.stringify({ "ship-0": "nonsense" }));
  });
  expect(voyage.status().limited).toBeUndefined();
  expect(await ship.claim()).toBe("grant");
});
