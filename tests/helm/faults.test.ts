import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import { makePlan } from "../support/helm-voyage.ts";
import { boardPaperShip, handClock, openPaperVoyage, scratchFolder } from "./paper.ts";

/**
 * These tests are of faults of ships: they cost no task a try and no voyage its result, and three in a row make the
 * ship unfit until its next launch.
 */

const TIMING = { leaseSeconds: 60, heartbeatSeconds: 5, fenceSeconds: 45, lingerSeconds: 5 };
let scratch: ReturnType<typeof scratchFolder>;
let voyage: Voyage;
type Ship = Awaited<ReturnType<typeof boardPaperShip>> & { name: string };

beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => {
  voyage.ledger.close();
  scratch.remove();
});

async function sail(graph: Record<string, string[]>, verify?: string): Promise<void> {
  voyage = await openPaperVoyage({ file: join(scratch.folder, "ledger.sqlite"), graph, timing: TIMING });
  await tell(graph, verify);
}
const tell = (graph: Record<string, string[]>, verify?: string) =>
  voyage.register({ stack: "v", plan: makePlan(graph, verify ? { verify } : {}), hand: "rehearsal", timing: TIMING });

async function come(name: string): Promise<Ship> {
  const ship = await boardPaperShip(voyage, name);
  await ship.hello();
  return { ...ship, name };
}
const ask = (ship: Ship) => ({ requestId: randomUUID(), incarnation: `vm-${ship.name}` });
const accept = (ship: Ship, { task, epoch }: { task: { id: string }; epoch: number }) =>
  voyage.calls.answer("accept", ship.caller, {
    ...ask(ship),
    task: task.id,
    epoch,
    commit: "a".repeat(40),
    summary: "",
    check: null,
    seconds: 1,
  });

/** Claims a task, and says that it could not begin. Returns false when the ship is given none. */
async function faults(ship: Ship, reason = "git clean failed: Permission denied"): Promise<boolean> {
  const reply = await ship.claim();
  if (reply.kind !== "grant") return false;
  const { task, epoch } = reply.grant;
  await voyage.calls.answer("release", ship.caller, { ...ask(ship), task: task.id, epoch, reason, failed: false, fault: true });
  return true;
}
const rowOf = ({ name }: Ship) => voyage.shipRow(name)!;

test("a ledger of before faults and losses were counted is opened at sea: the claim under way goes on, and both are counted from now", async () => {
  const file = join(scratch.folder, "ledger.sqlite");
  await sail({ "1": [], "2": [] });
  const ship = await come("ship-0");
  const grant = await ship.grant();
  voyage.ledger.close();
  const before = new DatabaseSync(file);
  before.exec("DROP TABLE faults; DROP TABLE losses; DROP INDEX runs_of_life");
  before.close();

  voyage = await openPaperVoyage({ file, graph: { "1": [], "2": [] }, timing: TIMING });
  // Its crew is not told that anything is anew.
  const hello = await voyage.calls.answer("hello", ship.caller, {
    ...ask(ship),
    pid: 1,
    node: "v24.0.0",
    git: "git version 2.43.0",
  });
  expect(hello).toMatchObject({ claim: { task: { id: "1" }, epoch: grant.epoch } });
  expect(await accept(ship, grant)).toMatchObject({ kind: "accepted" });
  expect(await faults({ ...ship, claim: () => voyage.calls.answer("claim", ship.caller, ask(ship)) })).toBe(true);
  expect(voyage.status().tasks.map(({ status, tries }) => `${status} ${tries}`)).toEqual(["accepted 0", "pending 0"]);
});

test("a fleet with one sick ship finishes as if it were not there: no task loses a try, the sick one is unfit and says why", async () => {
  const graph = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [String(i + 1), [] as string[]]));
  await sail(graph);
  const [sick, well] = [await come("ship-0"), await come("ship-1")];
  let given = 0;
  for (let left = 9; left > 0; left--) {
    // The sick ship is the faster one: it asks three times as often.
    for (let i = 0; i < 3; i++) if (await faults(sick)) given++;
    await accept(well, await well.grant());
  }
  expect(given).toBe(3);
  expect(voyage.status().tasks.map(({ status, tries }) => `${status} ${tries}`)).toEqual(Array(9).fill("accepted 0"));
  expect(rowOf(sick).unfit).toBe(
    "it failed 3 times in a row before its work began, at last: git clean failed: Permission denied",
  );
  expect(rowOf(well).unfit).toBeUndefined();
});

test("the next launch tries it anew, and tells it to make its clone anew until something has begun there", async () => {
  await sail({ "1": [], "2": [] });
  const ship = await come("ship-0");
  while (await faults(ship));
  expect(await ship.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  expect(await ship.hello()).not.toHaveProperty("anew");

  const launched = await come("ship-0");
  expect(rowOf(launched).unfit).toBeUndefined();
  expect(await launched.hello()).toMatchObject({ anew: true });
  const { task, epoch } = await launched.grant();
  await voyage.calls.answer("release", launched.caller, {
    ...ask(launched),
    task: task.id,
    epoch,
    reason: "exit status 1",
    failed: true,
  });
  expect(voyage.ledger.task(task.id)!.tries).toBe(1);
  expect(await launched.hello()).not.toHaveProperty("anew");
});

test("only faults in a row count: a hand that ran, to whatever end, shows that the ship can work", async () => {
  await sail({ "1": [], "2": [], "3": [] });
  const ship = await come("ship-0");
  await faults(ship);
  await faults(ship);
  const { task, epoch } = await ship.grant();
  await voyage.calls.answer("release", ship.caller, {
    ...ask(ship),
    task: task.id,
    epoch,
    reason: "exit status 1",
    failed: true,
  });
  await faults(ship);
  await faults(ship);
  await accept(ship, await ship.grant());
  await faults(ship);
  await faults(ship);
  expect(rowOf(ship).unfit).toBeUndefined();
});

test("a verify.sh that a ship could not run is no result: another ship is asked, and the sick one no more", async () => {
  await sail({ "1": [] }, "exit 0");
  const [sick, well] = [await come("ship-0"), await come("ship-1")];
  await accept(well, await well.grant());
  // Where the helm's git did not answer the ship, that is counted as nobody's fault.
  for (let i = 0; i < 6; i++) {
    const away = i < 3 && { away: true as const };
    const order = await sick.claim();
    if (order.kind !== "verify") throw new Error(`no verification: ${JSON.stringify(order)}`);
    const { epoch, commit } = order;
    await voyage.calls.answer("unverified", sick.caller, {
      ...ask(sick),
      epoch,
      commit,
      reason: "no space left on device",
      ...away,
    });
    expect(voyage.status()).toMatchObject({ state: "verifying", verified: null });
  }
  expect(await sick.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  expect(rowOf(sick).unfit).toContain("no space left on device");
  const order = await well.claim();
  if (order.kind !== "verify") throw new Error(`no verification: ${JSON.stringify(order)}`);
  const { epoch, commit } = order;
  await voyage.calls.answer("verified", well.caller, { ...ask(well), epoch, commit, exitCode: 0, output: "", seconds: 1 });
  expect(voyage.status().state).toBe("verified");
});

test("a verify.sh that failed is run again when the plan is told again, and by order; one that passed is not", async () => {
  await sail({ "1": [] }, "exit 1");
  const ship = await come("ship-0");
  await accept(ship, await ship.grant());
  const run = async (exitCode: number) => {
    const order = await ship.claim();
    if (order.kind !== "verify") throw new Error(`no verification: ${JSON.stringify(order)}`);
    const { epoch, commit } = order;
    await voyage.calls.answer("verified", ship.caller, { ...ask(ship), epoch, commit, exitCode, output: "", seconds: 1 });
    return voyage.status().state;
  };
  expect(await run(1)).toBe("failed");
  expect((await voyage.retryVerification()).state).toBe("verifying");
  expect(await run(1)).toBe("failed");
  await tell({ "1": [] }, "exit 1");
  expect(voyage.status().state).toBe("verifying");
  expect(await run(0)).toBe("verified");
  await tell({ "1": [] }, "exit 1");
  await voyage.retryVerification();
  expect(voyage.status().state).toBe("verified");
});

test("a ship that falls silent costs its task no try; a task that takes one ship after the other is blocked all the same, until it is tried again", async () => {
  const clock = handClock();
  voyage = await openPaperVoyage({ file: join(scratch.folder, "l.sqlite"), graph: { "1": [] }, timing: TIMING, clock });
  const loseOne = async (name: string) => {
    const ship = await come(name);
    const { epoch } = await ship.grant();
    voyage.tick();
    for (let seconds = 0; seconds < TIMING.leaseSeconds + 2; seconds += 2) {
      clock.pass(2);
      voyage.tick();
    }
    await expect.poll(() => voyage.ledger.task("1")!.status).not.toBe("claimed");
    return epoch;
  };
  for (let i = 1; i <= 4; i++) {
    await loseOne(`ship-${i}`);
    expect(voyage.ledger.task("1")).toMatchObject({
      status: "pending",
      tries: 0,
      reason: `taken from ship-${i}: no word for 60 s`,
    });
  }
  await loseOne("ship-5");
  expect(voyage.ledger.task("1")).toMatchObject({
    status: "blocked",
    tries: 0,
    reason: "lost with its ship 5 times in a row, at last: taken from ship-5: no word for 60 s",
  });
  await voyage.retry("1");
  await loseOne("ship-6");
  expect(voyage.ledger.task("1")).toMatchObject({ status: "pending", tries: 0 });
});
