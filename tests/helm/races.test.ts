import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HttpError } from "../../helm/http-error.ts";
import type { Branch } from "../../helm/repository/branch.ts";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import { makePlan } from "../support/helm-voyage.ts";
import { boardPaperShip, type HandClock, handClock, openPaperVoyage, scratchFolder } from "./paper.ts";

/** These tests are of tasks that change the same files: to lose a race costs no try, and nobody loses it for ever. */

const TIMING = { leaseSeconds: 100_000, heartbeatSeconds: 5, fenceSeconds: 90_000, lingerSeconds: 5 };
let scratch: ReturnType<typeof scratchFolder>;
let clock: HandClock;
let voyage: Voyage;
beforeEach(() => {
  scratch = scratchFolder();
  clock = handClock();
});
afterEach(() => {
  voyage.ledger.close();
  scratch.remove();
});

/**
 * A repository in which two commits are in conflict when they change the same file and neither was made on the other.
 */
function fileBranch() {
  const id = (n: number) => n.toString(16).padStart(40, "0");
  const history = [{ id: id(1), files: [] as string[] }];
  const commits = new Map<string, { base: string; files: string[] }>();
  let made = 1;
  const tip = () => history.at(-1)!.id;
  const branch: Branch = {
    name: "v",
    tip: async () => tip(),
    async merge({ commit }) {
      const { base, files } = commits.get(commit)!;
      const since = history.slice(history.findIndex((one) => one.id === base) + 1).flatMap((one) => one.files);
      const both = files.filter((file) => since.includes(file));
      if (both.length > 0) return { kind: "conflict", tip: tip(), files: both };
      const merged = id(++made);
      commits.set(merged, { base: tip(), files });
      return { kind: "clean", tip: tip(), commit: merged };
    },
    async move(from, to) {
      if (from !== tip()) return false;
      history.push({ id: to, files: commits.get(to)!.files });
      return true;
    },
    touched: async (_from, to) => commits.get(to)!.files,
    holds: async (commit) => history.some((one) => one.id === commit),
    rescue: async () => null,
    showTip: async () => {},
  };
  const push = (base: string, files: string[]) => {
    const commit = id(++made);
    commits.set(commit, { base, files });
    return commit;
  };
  return { branch, push, history };
}

type Ship = Awaited<ReturnType<typeof boardPaperShip>> & { name: string };
async function sail(tasks: number, ships: number) {
  const repo = fileBranch();
  const graph = Object.fromEntries(Array.from({ length: tasks }, (_, i) => [String(i + 1), [] as string[]]));
  voyage = await openPaperVoyage({ file: join(scratch.folder, "l.sqlite"), graph, timing: TIMING, branch: repo.branch, clock });
  const fleet: Ship[] = [];
  for (let i = 0; i < ships; i++) fleet.push({ ...(await boardPaperShip(voyage, `ship-${i}`)), name: `ship-${i}` });
  for (const ship of fleet) await ship.hello();
  return { ...repo, fleet };
}

/** Matches the answer that lets a ship wait: 503, after which it asks again. */
async function offer(ship: Ship, { task, epoch }: Grant, commit: string) {
  const body = { requestId: randomUUID(), incarnation: `vm-${ship.name}`, task: task.id, epoch, commit };
  try {
    return await voyage.calls.answer("accept", ship.caller, { ...body, summary: "", check: null, seconds: 1 });
  } catch (error) {
    if (error instanceof HttpError && error.status === 503) return { kind: "wait" as const };
    throw error;
  }
}

/** Makes a generator of chance that is the same each time. */
function chance(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state % below;
  };
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "15 tasks that append to one file, on 5 ships of different speed (chance %i): all are done, none loses a try, and each is done at most twice",
  async (seed) => {
    const { fleet, push, history } = await sail(15, 5);
    const random = chance(seed);
    const runs = new Map<string, number>();
    const at = fleet.map((ship, i) => ({ ship, speed: 1 + 3 * i, grant: null as Grant | null, base: "", left: 0, commit: "" }));
    for (let round = 0; history.length <= 15; round++) {
      if (round > 20_000) throw new Error(`somebody starves: ${JSON.stringify([...runs])}`);
      const one = at[random(at.length)]!;
      clock.pass(0.1);
      if (!one.grant) {
        const reply = await one.ship.claim();
        if (reply.kind !== "grant") continue;
        Object.assign(one, { grant: reply.grant, base: reply.grant.tip, left: one.speed, commit: "" });
      } else if (one.left > 0) {
        if (--one.left > 0) continue;
        const { id } = one.grant.task;
        runs.set(id, (runs.get(id) ?? 0) + 1);
        one.commit = push(one.base, ["log.txt", `out-${id}`]);
      } else {
        const reply = await offer(one.ship, one.grant, one.commit);
        if (reply.kind === "accepted") one.grant = null;
        if (reply.kind === "conflict") Object.assign(one, { base: reply.tip, left: one.speed });
      }
    }
    expect(voyage.ledger.tasks().map(({ status, tries }) => `${status} ${tries}`)).toEqual(Array(15).fill("accepted 0"));
    expect(Math.max(...runs.values())).toBeLessThanOrEqual(2);
  },
);

test("whoever lost a race goes first at what it touches, and holds up nobody else; those who wait come in their order", async () => {
  const { fleet, push } = await sail(5, 5);
  const [a, b, c, d, e] = fleet as [Ship, Ship, Ship, Ship, Ship];
  const grants = [];
  for (const ship of fleet) grants.push(await ship.grant());
  const [ga, gb, gc, gd, ge] = grants as [Grant, Grant, Grant, Grant, Grant];
  const on = (grant: Grant, ...files: string[]) => push(grant.tip, files);
  expect((await offer(a, ga, on(ga, "log"))).kind).toBe("accepted");
  const lost = await offer(b, gb, on(gb, "log"));
  expect(lost.kind).toBe("conflict");
  const [cs, ds] = [on(gc, "log"), on(gd, "log", "d")];
  expect((await offer(c, gc, cs)).kind).toBe("wait");
  expect((await offer(d, gd, ds)).kind).toBe("wait");
  expect((await offer(e, ge, on(ge, "other"))).kind).toBe("accepted");

  const tip = lost.kind === "conflict" ? lost.tip : "";
  expect((await offer(b, gb, push(tip, ["log"]))).kind).toBe("accepted");
  expect((await offer(d, gd, ds)).kind).toBe("wait");
  expect((await offer(c, gc, cs)).kind).toBe("conflict");
  expect((await offer(d, gd, ds)).kind).toBe("wait");
});

test("a task that changes more files than can be told waits for whoever stands in line, and then comes in", async () => {
  const { fleet, push, branch } = await sail(3, 3);
  const [a, b, c] = fleet as [Ship, Ship, Ship];
  const [ga, gb, gc] = [await a.grant(), await b.grant(), await c.grant()];
  await offer(a, ga, push(ga.tip, ["log"]));
  const lost = await offer(b, gb, push(gb.tip, ["log"]));
  branch.touched = async () => null;
  const whole = push(gc.tip, ["other"]);
  expect((await offer(c, gc, whole)).kind).toBe("wait");
  expect((await offer(b, gb, push(lost.kind === "conflict" ? lost.tip : "", ["log"]))).kind).toBe("accepted");
  expect((await offer(c, gc, whole)).kind).toBe("accepted");
});

test("a claim that ends, and a hand that takes too long, have no turn any more", async () => {
  const { fleet, push } = await sail(4, 4);
  const [a, b, c, d] = fleet as [Ship, Ship, Ship, Ship];
  const grants = [];
  for (const ship of fleet) grants.push(await ship.grant());
  const [ga, gb, gc, gd] = grants as [Grant, Grant, Grant, Grant];
  await offer(a, ga, push(ga.tip, ["log"]));
  expect((await offer(b, gb, push(gb.tip, ["log"]))).kind).toBe("conflict");
  const waits = push(gc.tip, ["log"]);
  expect((await offer(c, gc, waits)).kind).toBe("wait");
  await b.release(gb.task.id, gb.epoch);
  expect((await offer(c, gc, waits)).kind).toBe("conflict");
  const late = push(gd.tip, ["log"]);
  expect((await offer(d, gd, late)).kind).toBe("wait");
  clock.pass(11 * 60);
  expect((await offer(d, gd, late)).kind).toBe("conflict");
});

test("a ship whose task is in conflict again and again holds the others up for half an hour, and no longer", async () => {
  const { fleet, push } = await sail(2, 2);
  const [bad, good] = fleet as [Ship, Ship];
  const ours = await good.grant();
  let theirs = await bad.grant();
  // This commit was made on the start of the branch, on which there is now another one that changes the same file: it
  // is in conflict for ever.
  const [stale, fine] = [push(theirs.tip, ["a"]), push(ours.tip, ["a"])];
  expect(await offer(good, ours, fine)).toMatchObject({ kind: "accepted" });
  await voyage.register({
    stack: "v",
    plan: makePlan({ "1": [], "2": [], "3": [], "4": [] }),
    hand: "rehearsal",
    timing: TIMING,
  });
  const third = await good.grant();
  const work = push(third.tip, ["b"]);
  let minutes = 0;
  for (let reply: { kind: string } = { kind: "wait" }; reply.kind === "wait" && minutes < 120; minutes++) {
    for (let times = 0; times < 6; times++) await offer(bad, theirs, stale);
    clock.pass(60);
    reply = await offer(good, third, work);
    if (reply.kind === "accepted") break;
  }
  expect(minutes).toBeGreaterThan(25);
  expect(minutes).toBeLessThan(35);
  // A new claim of that ship does not change it either.
  await bad.release(theirs.task.id, theirs.epoch);
  theirs = await bad.grant();
  for (let times = 0; times < 6; times++) expect((await offer(bad, theirs, stale)).kind).toBe("conflict");
  const fourth = await good.grant();
  expect(await offer(good, fourth, push(fourth.tip, ["c"]))).toMatchObject({ kind: "accepted" });
});
