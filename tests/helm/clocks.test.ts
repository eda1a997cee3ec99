import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Branch } from "../../helm/repository/branch.ts";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import { boardPaperShip, type HandClock, handClock, openPaperVoyage, paperBranch, scratchFolder } from "./paper.ts";

/** These tests move a clock of their own, and look at leases, silence and fences. */
const TIMING = { leaseSeconds: 12, heartbeatSeconds: 1, fenceSeconds: 9 };
const GRAPH = { "1": [], "2": [] };

let scratch: ReturnType<typeof scratchFolder>;
let clock: HandClock;
let open: Voyage[];
let events: string[];
beforeEach(() => {
  scratch = scratchFolder();
  clock = handClock();
  open = [];
  events = [];
});
afterEach(() => {
  for (const voyage of open) voyage.ledger.close();
  scratch.remove();
});

/** Starts a helm on the same ledger: the first one, or one after it. */
async function start(branch?: Branch): Promise<Voyage> {
  for (const before of open) before.ledger.close();
  const wish = {
    file: join(scratch.folder, "l.sqlite"),
    graph: GRAPH,
    timing: TIMING,
    clock,
    log: (event: string) => events.push(event),
  };
  const voyage = await openPaperVoyage({ ...wish, ...(branch && { branch }) });
  open.push(voyage);
  voyage.tick();
  return voyage;
}
/** Lets time pass as it does for a helm: it looks each half second, and not again before the look is through. */
async function pass(voyage: Voyage, seconds: number, meanwhile: () => void = () => {}): Promise<void> {
  for (let half = 0; half < seconds * 2; half++) {
    clock.pass(0.5);
    meanwhile();
    await voyage.tick();
  }
}
const soon = <T>(look: () => T) => expect.poll(look);
const task = (voyage: Voyage, id: string) => voyage.status().tasks.find((row) => row.id === id);
const state = (voyage: Voyage, ship: string) => voyage.shipRow(ship)?.state;

test("an idle ship that beats stays connected; one that froze with its stream open is not after three heartbeats, and its task is free when the lease ends", async () => {
  const voyage = await start();
  const [frozen, idle] = [await boardPaperShip(voyage, "ship-0"), await boardPaperShip(voyage, "ship-1")];
  for (const ship of [frozen, idle]) {
    await ship.hello();
    ship.present();
  }
  await frozen.grant();
  await pass(voyage, 3, () => idle.heartbeat());
  expect(voyage.shipRow("ship-0")).toMatchObject({ connected: true, state: "working" });
  await pass(voyage, 1, () => idle.heartbeat());
  expect(voyage.shipRow("ship-0")).toMatchObject({ connected: false, state: "working" });
  expect(voyage.crews.gone("ship-0")).toBe(true);
  await pass(voyage, 9, () => idle.heartbeat());
  await soon(() => task(voyage, "1")).toMatchObject({ status: "pending", tries: 0 });
  expect(voyage.shipRow("ship-0")).toMatchObject({ connected: false, state: "fenced", hasWork: true });
  expect(voyage.shipRow("ship-1")).toMatchObject({ connected: true, state: "idle" });
  expect(voyage.crews.ready("ship-0", "vm-ship-0")).toBe(false);
});

test("heartbeats keep a claim through many leases; without them it ends with its lease, not before", async () => {
  const voyage = await start();
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  await ship.grant();
  await pass(voyage, 60, () => ship.heartbeat());
  expect(state(voyage, "ship-0")).toBe("working");
  await pass(voyage, 11);
  expect(state(voyage, "ship-0")).toBe("lost");
  await pass(voyage, 2);
  await soon(() => state(voyage, "ship-0")).toBe("fenced");
});

test("a helm that was away, or slept (a lid closed), gives every lease a full period again", async () => {
  let voyage = await start();
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  const grant = await ship.grant();
  await pass(voyage, 10);
  clock.pass(3600);
  voyage.tick();
  expect(events).toContain("clock-jump");
  await pass(voyage, 10);
  expect(state(voyage, "ship-0")).toBe("lost");
  clock.pass(3600);
  voyage = await start();
  await pass(voyage, 10);
  expect(state(voyage, "ship-0")).not.toBe("fenced");
  expect(voyage.ledger.claimOf(ship.caller.life)?.epoch).toBe(grant.epoch);
});

test("a mirror that takes minutes to save holds up nobody else: no lease starts over, the next silent ship is fenced in time", async () => {
  let rescues = 0;
  let finish = (_ref: null) => {};
  const slow = (ask: { ship: string }) => {
    rescues++;
    return ask.ship === "ship-0" ? new Promise<null>((resolve) => (finish = resolve)) : Promise.resolve(null);
  };
  const voyage = await start({ ...paperBranch(), rescue: slow });
  const [a, b] = [await boardPaperShip(voyage, "ship-0"), await boardPaperShip(voyage, "ship-1")];
  for (const ship of [a, b]) await ship.hello();
  await a.grant();
  await b.grant();
  await pass(voyage, 13, () => b.heartbeat());
  await soon(() => rescues).toBe(1);
  await pass(voyage, 13);
  await soon(() => task(voyage, "2")).toMatchObject({ status: "pending", tries: 0 });
  expect(task(voyage, "1")).toMatchObject({ status: "claimed", tries: 0 });
  expect(rescues).toBe(2);
  expect(events).not.toContain("clock-jump");
  finish(null);
  await soon(() => task(voyage, "1")).toMatchObject({ status: "pending", tries: 0 });
});

test("a helm that died in the middle of a fence starts without waiting for it, ends it, and counts no try for what the captain ordered", async () => {
  let voyage = await start({ ...paperBranch(), rescue: () => new Promise(() => {}) });
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.grant();
  void voyage.crews.fence("ship-0", "vm-ship-0", "the captain says so").catch(() => {});
  await soon(() => state(voyage, "ship-0")).toBe("fenced");

  let finish: ((ref: null) => void) | undefined;
  voyage = await start({ ...paperBranch(), rescue: () => new Promise((resolve) => (finish = resolve)) });
  await soon(() => finish).toBeDefined();
  expect(task(voyage, "1")).toMatchObject({ status: "claimed" });
  finish?.(null);
  await soon(() => task(voyage, "1")).toMatchObject({
    status: "pending",
    tries: 0,
    reason: "taken from ship-0: the captain says so",
  });
});

test("a mirror that cannot be saved: the fence says so, also when it is asked again, and the task is free", async () => {
  const voyage = await start({ ...paperBranch(), rescue: () => Promise.reject(new Error("no space")) });
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.grant();
  const outcome = { lost: [], unsaved: "Error: no space" };
  expect(await voyage.crews.fence("ship-0", "vm-ship-0", "test")).toEqual(outcome);
  expect(await voyage.crews.fence("ship-0", "vm-ship-0", "again")).toEqual(outcome);
  expect(task(voyage, "1")).toMatchObject({ status: "pending" });
  expect(events).toContain("rescue-failed");
});

test("a helm that is made to stand still again and again fences a silent ship all the same; one that is heard keeps its claim", async () => {
  const voyage = await start();
  const [silent, heard] = [await boardPaperShip(voyage, "ship-0"), await boardPaperShip(voyage, "ship-1")];
  for (const ship of [silent, heard]) await ship.hello();
  await silent.grant();
  await heard.grant();
  let stalls = 0;
  while (voyage.shipRow("ship-0")?.state !== "fenced" && stalls < 10) {
    clock.pass(6);
    stalls++;
    voyage.tick();
    await heard.heartbeat();
    await pass(voyage, 5, () => heard.heartbeat());
    await voyage.ledger.write(() => {}); // behind what a fence has asked for
  }
  expect(events.filter((event) => event === "clock-jump")).toHaveLength(stalls);
  // A full period is lent once (12 s, of which 5 pass between two stalls); afterwards only the time counts in which the
  // helm ran.
  expect(stalls).toBe(3);
  await soon(() => task(voyage, "1")).toMatchObject({ status: "pending", tries: 0 });
  expect(state(voyage, "ship-1")).toBe("working");
  expect(task(voyage, "2")).toMatchObject({ status: "claimed", tries: 0 });
});

test("ships that ask for many accepts wait for themselves: a fence and another ship's release wait for no merge, and another's accept for one", async () => {
  const merges: { ship: string; finish: () => void }[] = [];
  const merge: Branch["merge"] = ({ ship }) =>
    new Promise((resolve) => {
      merges.push({ ship, finish: () => resolve({ kind: "conflict", tip: "0".repeat(40), files: [ship] }) });
    });
  const voyage = await start({ ...paperBranch(), merge });
  const [bad, good] = [await boardPaperShip(voyage, "ship-0"), await boardPaperShip(voyage, "ship-1")];
  for (const ship of [bad, good]) await ship.hello();
  const [theirs, ours] = [await bad.grant(), await good.grant()];

  const asked = Array.from({ length: 100 }, () => bad.accept(theirs.task.id, theirs.epoch).catch((error: unknown) => error));
  await soon(() => merges.length).toBe(1);
  const accepted = good.accept(ours.task.id, ours.epoch);
  const repeated = { requestId: "the-same-request" };
  const twice = [good.accept(ours.task.id, ours.epoch, repeated), good.accept(ours.task.id, ours.epoch, repeated)];
  // One is under way, four may wait: the others are refused at once, and come again.
  const refused = (await Promise.all(asked.slice(5))) as { status?: number; retryAfterSeconds?: number }[];
  expect(new Set(refused.map(({ status, retryAfterSeconds }) => `${status} ${retryAfterSeconds}`))).toEqual(new Set(["503 2"]));

  merges[0]!.finish();
  await soon(() => merges.map(({ ship }) => ship)).toEqual(["ship-0", "ship-1"]);
  merges[1]!.finish();
  expect(await accepted).toMatchObject({ kind: "conflict" });
  // Now one of the bad ship's is under way again, and stays so: nobody who does not merge waits for it.
  await soon(() => merges.map(({ ship }) => ship)).toEqual(["ship-0", "ship-1", "ship-0"]);
  expect(await good.release(ours.task.id, ours.epoch)).toMatchObject({ status: "pending" });
  await voyage.releaseTask(theirs.task.id, "the captain says so");
  expect(state(voyage, "ship-0")).toBe("fenced");
  expect(task(voyage, theirs.task.id)).toMatchObject({ status: "pending" });
  // Nobody waits any more for what was under way and what stood in line.
  merges[2]!.finish();
  await Promise.allSettled(asked);
  expect((await Promise.allSettled(twice)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(merges).toHaveLength(3);
});
