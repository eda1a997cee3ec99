import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Branch } from "../../helm/repository/branch.ts";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import { Waker } from "../../helm/voyage/wake.ts";
import type { ClaimReply } from "../../lib/protocol/ship-claims.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { makePlan } from "../support/helm-voyage.ts";
import { boardPaperShip, type HandClock, handClock, openPaperVoyage, paperBranch, scratchFolder } from "./paper.ts";

/** Runs of verify.sh at commits that the captain has named: who gets them and when, and what they do not say. */
const TIMING = { leaseSeconds: 60, heartbeatSeconds: 5, fenceSeconds: 45, lingerSeconds: 8 };
const SCRIPT = "exit 1";
const commit = (n: number) => n.toString(16).padStart(40, "0");

let scratch: ReturnType<typeof scratchFolder>;
let clock: HandClock;
let branch: Branch;
let voyage: Voyage;
beforeEach(async () => {
  scratch = scratchFolder();
  clock = handClock();
  branch = paperBranch();
  voyage = await open();
});
afterEach(() => {
  voyage.ledger.close();
  scratch.remove();
});
const open = () =>
  openPaperVoyage({
    ...{ file: join(scratch.folder, "l.sqlite"), timing: TIMING, clock, branch },
    ...{ graph: { "1": [] }, plan: { verify: SCRIPT } },
  });
const register = (graph: Record<string, string[]>, verify = SCRIPT) =>
  voyage.register({ stack: "v", plan: makePlan(graph, { verify }), hand: "rehearsal", timing: TIMING });

type Order = Extract<ClaimReply, { kind: "verify" }>;
type Ship = Awaited<ReturnType<typeof come>>;
async function come(name: string) {
  const ship = await boardPaperShip(voyage, name);
  const leave = ship.present();
  await ship.hello();
  const ask = () => ({ requestId: randomUUID(), incarnation: ship.caller.incarnation });
  const order = async (): Promise<Order> => {
    const reply = await ship.claim();
    if (reply.kind !== "verify") throw new Error(`no run of verify.sh: ${JSON.stringify(reply)}`);
    return reply;
  };
  const verified = ({ epoch, commit }: Order, exitCode: number, output = "") =>
    voyage.calls.answer("verified", ship.caller, { ...ask(), epoch, commit, exitCode, output, seconds: 1 });
  const unverified = ({ epoch, commit }: Order, reason: string) =>
    voyage.calls.answer("unverified", ship.caller, { ...ask(), epoch, commit, reason });
  return { ...ship, name, leave, order, verified, unverified };
}

/** Brings the voyage to where verify.sh has failed at its tip. */
async function failed(): Promise<Ship> {
  const ship = await come("ship-0");
  const { task, epoch } = await ship.grant();
  await ship.accept(task.id, epoch);
  await ship.verified(await ship.order(), 1, "tip");
  return ship;
}

test("a probe is given like the verification, and says nothing of the voyage: neither a pass nor a failure is its result", async () => {
  const ship = await failed();
  const before = voyage.status();
  expect(before).toMatchObject({ state: "failed", verified: { commit: voyage.context.tip, exitCode: 1, output: "tip" } });

  // At the tip itself, too.
  for (const [at, exitCode] of [
    [commit(7), 3],
    [voyage.context.tip, 0],
  ] as const) {
    const { probe } = await voyage.askProbe({ commit: at });
    const order = await ship.order();
    expect(order).toMatchObject({ commit: at, script: SCRIPT, epoch: probe });
    // The same once more, to a ship whose crew has started anew meanwhile.
    expect(await ship.order()).toEqual(order);
    expect(voyage.shipRow("ship-0")).toMatchObject({ state: "working", note: `verify.sh at ${at.slice(0, 8)}`, hasWork: true });
    expect(await ship.verified(order, exitCode, "said")).toEqual({ state: "failed" });
    expect(voyage.probe(probe)).toMatchObject({ status: "done", ship: "ship-0", exitCode, output: "said", lost: 0 });
  }
  expect(voyage.status()).toMatchObject({ state: "failed", verified: before.verified });
  expect(voyage.probes()).toMatchObject({
    open: [],
    known: [
      { of: "verification", commit: voyage.context.tip, exitCode: 1, ship: "ship-0" },
      { of: "probe", commit: commit(7), exitCode: 3 },
      { of: "probe", commit: voyage.context.tip, exitCode: 0 },
    ],
  });
  const kinds = voyage.events(0, 100).events.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "verification-granted")).toHaveLength(1);
  const ofOne = ["probe-asked", "probe-granted", "probe-ended"];
  expect(kinds.filter((kind) => kind.startsWith("probe-"))).toEqual([...ofOne, ...ofOne]);
});

test("a number means one run alone, a verification or a probe: an answer is never taken for the other's", async () => {
  const ship = await failed();
  const first = await voyage.askProbe({ commit: commit(7) });
  await ship.verified(await ship.order(), 1);
  await voyage.retryVerification();
  const real = await ship.order();
  const second = await voyage.askProbe({ commit: real.commit });
  expect(real.epoch).toBeGreaterThan(first.probe);
  expect(second.probe).toBeGreaterThan(real.epoch);
  // A late answer to the probe that is through does not end the verification.
  await expect(ship.verified({ ...real, epoch: first.probe, commit: commit(7) }, 0)).rejects.toMatchObject({
    refusal: { error: "stale-epoch" },
  });
  expect(voyage.status().state).toBe("verifying");
  await ship.verified(real, 0);
  expect(voyage.status().state).toBe("verified");
});

test("tasks and the verification come first", async () => {
  const ship = await failed();
  await voyage.askProbe({ commit: commit(7) });
  await register({ "1": [], "2": [] });
  const { task, epoch } = await ship.grant();
  expect(task.id).toBe("2");
  await ship.accept(task.id, epoch);
  const verification = await ship.order();
  expect(verification.commit).toBe(voyage.context.tip);
  await ship.verified(verification, 1);
  expect(await ship.order()).toMatchObject({ commit: commit(7) });
});

test("outlives the helm, and is given anew when its ship is fenced; the fifth ship lost in it is the last", async () => {
  await failed();
  const { probe } = await voyage.askProbe({ commit: commit(7) });
  for (let lost = 1; lost <= 5; lost++) {
    const ship = await come(`ship-${lost}`);
    // The plan was registered anew, by which a verify.sh that failed is run again, and comes first.
    for (let run = await ship.order(); run.epoch !== probe; run = await ship.order()) await ship.verified(run, 1);
    voyage.ledger.close();
    voyage = await open();
    expect(voyage.probe(probe)).toMatchObject({ status: "claimed", ship: ship.name, lost: lost - 1 });
    await voyage.crews.fence(ship.name, ship.caller.incarnation, "the test says so");
    expect(voyage.probe(probe)).toMatchObject({ status: lost < 5 ? "waiting" : "done", lost });
  }
  expect(voyage.probe(probe)).toMatchObject({ exitCode: -1, output: "no ship came to the end of it: the test says so" });
});

test("a ship that falls silent with a probe is fenced like one with a task", async () => {
  const ship = await failed();
  const { probe } = await voyage.askProbe({ commit: commit(7) });
  await ship.order();
  ship.leave();
  for (let i = 0; i < 40; i++) {
    clock.pass(2);
    voyage.tick();
  }
  await expect.poll(() => voyage.probe(probe)).toMatchObject({ status: "waiting", lost: 1, reason: "no word for 60 s" });
});

test("a ship that cannot run it gives it back, by its own fault", async () => {
  const ship = await failed();
  const { probe } = await voyage.askProbe({ commit: commit(7) });
  for (let i = 0; i < 3; i++) await ship.unverified(await ship.order(), "git checkout failed");
  expect(voyage.probe(probe)).toMatchObject({ status: "waiting", lost: 0, reason: "git checkout failed" });
  expect(voyage.shipRow("ship-0")!.unfit).toMatch(/^it failed 3 times in a row/);
  expect(await ship.claim()).toMatchObject({ kind: "nothing" });
});

test("what waits is cancelled, and what runs goes on; another verify.sh, and the end of the voyage, cancel both", async () => {
  const ship = await failed();
  const [first, second] = [await voyage.askProbe({ commit: commit(7) }), await voyage.askProbe({ commit: commit(8) })];
  const order = await ship.order();
  for (const { probe } of [first, second]) await voyage.cancelProbe(probe);
  expect(voyage.probe(second.probe)).toMatchObject({ status: "cancelled", exitCode: null });
  await ship.verified(order, 1);
  expect(voyage.probe(first.probe)).toMatchObject({ status: "done", exitCode: 1 });
  expect(await ship.claim()).toMatchObject({ kind: "nothing" });

  const third = await voyage.askProbe({ commit: commit(9) });
  const late = await ship.order();
  await register({ "1": [] }, "exit 2");
  expect(voyage.probe(third.probe)).toMatchObject({ status: "cancelled", reason: "the plan has another verify.sh now" });
  await expect(ship.verified(late, 0)).rejects.toMatchObject({ refusal: { error: "stale-epoch" } });
  // What was known was known of another script.
  expect(voyage.probes()).toEqual({ open: [], known: [] });
  const fourth = await voyage.askProbe({ commit: commit(9) });
  await voyage.sink();
  expect(voyage.probe(fourth.probe)).toMatchObject({ status: "cancelled", reason: "the voyage has sunk" });
  await expect(voyage.cancelProbe(4711)).rejects.toMatchObject({ code: "NO_PROBE" });
});

test("those that are to come last wait for the others, for a heartbeat; a pause holds all back", async () => {
  const [zero, one] = [await failed(), await come("ship-1")];
  await voyage.askProbe({ commit: commit(7), later: ["ship-0"] });
  expect(await zero.claim()).toMatchObject({ kind: "nothing", reason: "waiting" });
  await voyage.pause();
  expect(await one.claim()).toMatchObject({ kind: "nothing", reason: "paused" });
  await voyage.resume();
  await one.verified(await one.order(), 1);

  await voyage.askProbe({ commit: commit(8), later: ["ship-1"] });
  expect(await one.claim()).toMatchObject({ kind: "nothing", reason: "waiting" });
  clock.pass(TIMING.heartbeatSeconds);
  expect(await one.order()).toMatchObject({ commit: commit(8) });
});

test("ships stay for a while after a probe, as another is likely to follow, and then go to rest", async () => {
  const ship = await failed();
  expect(await ship.claim()).toMatchObject({ kind: "nothing", reason: "done" });
  await voyage.askProbe({ commit: commit(7) });
  await ship.verified(await ship.order(), 1);
  expect(await ship.claim()).toMatchObject({ kind: "nothing", reason: "waiting" });
  clock.pass(TIMING.lingerSeconds);
  expect(await ship.claim()).toMatchObject({ kind: "nothing", reason: "done" });
});

test("a sleeping ship is woken for it: first one that it waits for", async () => {
  const ships = [await failed(), await come("ship-1"), await come("ship-2")];
  for (const ship of ships) ship.leave();
  clock.pass(60);
  const woken: string[] = [];
  const sprites = {
    get: async (name: string) => ({ id: `vm-${/ship-\d$/.exec(name)![0]}` }),
    exec: async (name: string) => {
      woken.push(/ship-\d$/.exec(name)![0]);
      return { exitCode: 0, stdout: "", stderr: "" };
    },
  } as unknown as SpritesClient;
  const waker = new Waker(voyage.context, voyage.crews, async () => sprites);
  waker.look();
  expect(voyage.shipRow("ship-0")!.state).toBe("ended");
  await voyage.askProbe({ commit: commit(7), later: ["ship-0", "ship-1"] });
  waker.look();
  await expect.poll(() => woken).toEqual(["ship-2"]);
});

test("is refused for a commit that the branch does not hold, and for a plan without verify.sh", async () => {
  branch.holds = async (asked) => asked !== commit(9);
  await expect(voyage.askProbe({ commit: commit(9) })).rejects.toMatchObject({ code: "NOT_ON_BRANCH" });
  for (let i = 0; i < 64; i++) await voyage.askProbe({ commit: commit(100 + i) });
  await expect(voyage.askProbe({ commit: commit(7) })).rejects.toMatchObject({ code: "TOO_MANY_PROBES" });
  await voyage.register({ stack: "v", plan: makePlan({ "1": [] }), hand: "rehearsal", timing: TIMING });
  await expect(voyage.askProbe({ commit: commit(7) })).rejects.toMatchObject({ code: "NO_VERIFY" });
});
