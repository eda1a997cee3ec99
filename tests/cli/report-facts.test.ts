import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { collectReport } from "../../cli/report/facts/collect.ts";
import type { ReportFacts, Segment } from "../../cli/report/facts/facts.ts";
import { openReportVoyage } from "./report-voyage.ts";

/** What a report tells of voyages whose whole course is known to the second. No helm and no repository is there. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ocr-"));
  process.env.OCAPTAIN_HOME = join(root, "h");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const VERIFY = { verify: "#!/bin/sh\ntrue\n", spec: "# Lay a keel\n\n## Objective\n\nA keel.\n\n## Else\n\nNothing.\n" };
const open = (graph: Record<string, string[]>, more: object = {}) => openReportVoyage(root, { graph, plan: VERIFY, ...more });
const shipOf = (facts: ReportFacts, name: string) => facts.ships.find(({ ship }) => ship === name)!;
const taskOf = (facts: ReportFacts, id: string) => facts.tasks.find((task) => task.id === id)!;
/** A segment in seconds since the begin of the time that the facts tell of. */
const brief = (facts: ReportFacts) => (segment: Segment) => {
  const after = (iso: string) => (Date.parse(iso) - Date.parse(facts.period.from)) / 1000;
  const what = [segment.is, segment.task, segment.end].filter(Boolean).join(" ");
  return `${what} ${after(segment.from)}-${after(segment.to)}`;
};

test("who did what when, of a voyage that has sunk: tries that failed, a ship replaced at work, a pause, verify.sh failed and then passed", async () => {
  const v = await open({ "1": [], "2": [], "3": ["1", "2"] }, { metadata: { "1": { check: "test -s keel" } } });
  const [a, b] = [await v.come("ship-0"), await v.come("ship-1")];
  v.to(10);
  const one = await a.claimed();
  await b.claimed();
  v.to(20);
  await a.givesBack(one, "the check failed", true);
  v.to(22);
  const again = await a.claimed();
  v.to(30);
  await v.voyage.crews.register("ship-1", "vm-new");
  const c = await v.come("ship-1", "vm-new");
  v.to(32);
  const anew = await c.claimed();
  expect(anew).toEqual({ task: "2", epoch: 2 });
  v.to(40);
  await v.voyage.pause();
  await a.delivers(again);
  v.to(50);
  await v.voyage.resume();
  await c.delivers(anew);
  v.to(52);
  const three = await a.claimed();
  v.to(60);
  await a.delivers(three);
  const run = await a.verification();
  v.to(63);
  await a.verified(run, 1, "checking\nno keel\n");
  v.to(64);
  await v.voyage.retryVerification();
  const second = await c.verification();
  v.to(70);
  await c.verified(second, 0, "checking\nall is well\n");
  v.to(80);
  for (const ship of ["ship-0", "ship-1"]) await v.voyage.crews.forget(ship);
  await v.voyage.sink();
  v.voyage.ledger.close();

  const facts = await collectReport(v.known(v.at(81)));
  expect(facts.voyage).toMatchObject({ stack: "v", state: "sunk", objective: "A keel.", purpose: "to test", hand: "rehearsal" });
  expect(facts.period).toEqual({ from: v.at(0), to: v.at(80), work: { from: v.at(10), to: v.at(70) }, knownFrom: v.at(0) });
  expect(shipOf(facts, "ship-0").segments.map(brief(facts))).toEqual([
    "free 0-10",
    "task 1 failed 10-20",
    "free 20-22",
    "task 1 accepted 22-40",
    "free 40-52",
    "task 3 accepted 52-60",
    "verify 1 failed 60-63",
    "free 63-80",
  ]);
  expect(shipOf(facts, "ship-1").segments.map(brief(facts))).toEqual([
    "free 0-10",
    "task 2 taken back 10-30",
    "free 30-32",
    "task 2 accepted 32-50",
    "free 50-64",
    "verify 2 passed 64-70",
    "free 70-80",
  ]);
  expect(shipOf(facts, "ship-1")).toMatchObject({
    state: null,
    lives: 2,
    cutOff: 1,
    accepted: 1,
    seconds: { work: 44, free: 36, away: 0, unknown: 0 },
  });
  expect(shipOf(facts, "ship-1").marks.map(({ at, is }) => [at, is])).toEqual([
    [v.at(30), "cut off"],
    [v.at(30), "healed"],
  ]);
  expect(facts.holds).toEqual([
    { is: "paused", from: v.at(40), to: v.at(50), ship: null, text: "the captain paused the voyage" },
  ]);
  expect(facts.setbacks.map(({ at, is, task, ship, text }) => [at, is, task, ship, text])).toEqual([
    [v.at(20), "failed", "1", "ship-0", "the check failed"],
    [v.at(30), "taken back", "2", "ship-1", "taken from ship-1: replaced by vm-new"],
  ]);
  expect(facts.verification.runs).toMatchObject([
    { epoch: 1, ship: "ship-0", at: v.at(60), seconds: 3, end: "failed", exitCode: 1, lastLines: "no keel" },
    { epoch: 2, ship: "ship-1", at: v.at(64), seconds: 6, end: "passed", exitCode: 0, lastLines: "checking\nall is well" },
  ]);
  expect(taskOf(facts, "1")).toMatchObject({
    status: "accepted",
    check: "test -s keel",
    summary: "did 1",
    grants: 2,
    seconds: 18,
    acceptedAt: v.at(40),
  });
  expect(facts.graph).toEqual({ criticalPath: ["1", "3"], criticalSeconds: 26, by: "seconds", waves: [["1", "2"], ["3"]] });
  expect(facts.spend).toMatchObject({ total: null, byModel: [] });
  expect(facts.unknown).toEqual(["The voyage's repository cannot be read: what its commits change is not known."]);
  expect(facts.events.whole).toBe(true);
  expect(facts.events.total).toBe(facts.events.shown.length);
});

test("spend: by task and ship, against the budget, before a question, in trials, and what was thrown away and why", async () => {
  const v = await open({ "1": [], "2": [], "3": [] }, { hand: "claude", budgetUsd: 8 });
  const [a, b] = [await v.come("ship-0"), await v.come("ship-1")];
  await a.spends(null, 0.1);
  const [one, two] = [await a.claimed(), await b.claimed()];
  await a.spends(one, 1);
  await a.givesBack(one, "it does not compile", true);
  await b.spends(two, 0.5);
  await b.asks(two, "Which colour?");
  const again = await a.claimed();
  await a.spends(again, 2);
  await a.delivers(again);
  const three = await b.claimed();
  await b.spends(three, 0.25);
  await v.voyage.answer("2", "Green");
  const answered = await a.claimed();
  await a.spends(answered, 0.4);
  await v.voyage.crews.fence("ship-0", "vm-ship-0", "silent for 90 s");
  const { spend } = await v.voyage.status();
  v.voyage.ledger.close();

  const facts = await collectReport(v.known());
  expect(facts.spend).toMatchObject({
    ...{ budgetUsd: 8, deliveredUsd: 2, openUsd: 0.25, askedUsd: 0.5 },
    withoutTask: { costUsd: 0.1 },
    thrownAway: {
      usd: 1.4,
      by: [
        { why: "the try failed", usd: 1, runs: 1 },
        { why: "taken from its ship", usd: 0.4, runs: 1 },
      ],
    },
  });
  const { budgetUsd, byShip, ...total } = spend;
  expect(facts.spend.total).toEqual({ ...total, costUsd: 4.25 });
  expect(Object.fromEntries(facts.ships.map(({ ship, usage }) => [ship, usage]))).toEqual(byShip);
  const { deliveredUsd, openUsd, askedUsd, thrownAway, withoutTask } = facts.spend;
  expect(deliveredUsd + openUsd + askedUsd + thrownAway.usd + withoutTask!.costUsd).toBeCloseTo(4.25, 9);
  expect(facts.tasks.map(({ usage, thrownAwayUsd }) => [usage?.costUsd, thrownAwayUsd])).toEqual([
    [3, 1],
    [0.9, 0.4],
    [0.25, 0],
  ]);
  expect(facts.setbacks.find(({ is }) => is === "asked")).toMatchObject({ task: "2", text: "Which colour?", more: "Green" });
  expect(facts.unknown).toContain("The helm does not answer: what ships do now is not known.");
});

test("a usage limit is told with the ship that told of it; one that goes on has no end", async () => {
  const v = await open({ "1": [] }, { hand: "claude" });
  const a = await v.come("ship-0");
  v.to(5);
  await a.limited(v.at(605));
  v.to(9);
  await v.voyage.liftLimits();
  v.to(20);
  await a.limited(v.at(620));
  v.voyage.ledger.close();
  const { holds } = await collectReport(v.known());
  const told = (until: number) => `5-hour limit reached, until ${v.at(until)}`;
  expect(holds).toEqual([
    { is: "limit", from: v.at(5), to: v.at(9), ship: "ship-0", text: told(605) },
    { is: "limit", from: v.at(20), to: null, ship: "ship-0", text: told(620) },
  ]);
});

test("after a helm has ended without a word, what ships did until they are heard of is not known; what they hold is", async () => {
  const v = await open({ "1": [], "2": ["1"] });
  const [a, b] = [await v.come("ship-0"), await v.come("ship-1")];
  v.to(10);
  const one = await a.claimed();
  v.to(40);
  await v.voyage.noteStart();
  v.to(50);
  await b.hello();
  await a.delivers(one);
  v.voyage.ledger.close();
  const facts = await collectReport(v.known());
  expect(shipOf(facts, "ship-0").segments.map(brief(facts))).toEqual(["free 0-10", "task 1 accepted 10-50"]);
  expect(shipOf(facts, "ship-1").segments.map(brief(facts))).toEqual(["free 0-10", "not known 10-50"]);
});

test("a ledger that an earlier helm has kept, without events: what tasks tell is told, and the rest is not known", async () => {
  const v = await open({ "1": [], "2": [], "3": [] });
  const a = await v.come("ship-0");
  v.to(10);
  const one = await a.claimed();
  v.to(30);
  await a.delivers(one);
  v.to(40);
  const two = await a.claimed();
  for (let n = 0; n < 3; n++) {
    await a.givesBack(n === 0 ? two : { ...two, epoch: two.epoch + n }, "no timber", true);
    if (n < 2) await a.claimed();
  }
  v.voyage.ledger.close();
  const database = new DatabaseSync(v.folder.ledger);
  database.exec("DROP TABLE events");
  database.close();

  const facts = await collectReport(v.known(v.at(60)));
  expect(facts.period).toMatchObject({ from: v.at(0), knownFrom: null });
  expect(facts.unknown[0]).toMatch(/^The ledger has no events/);
  expect(shipOf(facts, "ship-0").segments.map(brief(facts))).toEqual([
    "not known 0-10",
    "task 1 accepted 10-30",
    "not known 30-60",
  ]);
  expect(taskOf(facts, "1")).toMatchObject({ status: "accepted", ship: "ship-0", seconds: 20 });
  expect(facts.setbacks).toEqual([
    { at: v.at(40), is: "blocked", task: "2", ship: null, epoch: 3, text: "no timber", more: null },
  ]);
  expect(facts.verification.runs).toEqual([]);
  expect(facts.events).toEqual({ total: 0, whole: false, shown: [] });
});

test("spend in a ledger that an earlier helm has kept, in which each run tells what its session had cost by then", async () => {
  const v = await open({ "1": [] }, { hand: "claude" });
  const a = await v.come("ship-0");
  const one = await a.claimed();
  await a.spends(one, 3);
  await a.spends(one, 1);
  await a.delivers(one);
  v.voyage.ledger.close();
  const database = new DatabaseSync(v.folder.ledger);
  database.exec("ALTER TABLE runs RENAME COLUMN cost_usd TO session_cost_usd; UPDATE runs SET session = 's'");
  database.exec("UPDATE OR REPLACE sessions SET session = 's'; UPDATE runs SET session_cost_usd = 4 WHERE session_cost_usd = 1");
  // Such a ledger may hold what no run can have used: it counts for as much as one may tell.
  database.exec("UPDATE runs SET output = 4000000000000");
  database.close();
  const facts = await collectReport(v.known());
  expect(facts.spend).toMatchObject({
    total: { costUsd: 4, outputTokens: 2e12 },
    deliveredUsd: 4,
    thrownAway: { usd: 0, by: [] },
  });
});

test("a captain's clock that was set back makes no time run backwards, and that is said", async () => {
  const v = await open({ "1": [], "2": [] });
  const a = await v.come("ship-0");
  v.to(20);
  const one = await a.claimed();
  v.clock.pass(-15);
  await a.delivers(one);
  const two = await a.claimed();
  v.to(30);
  await a.delivers(two);
  v.voyage.ledger.close();
  const facts = await collectReport(v.known());
  expect(shipOf(facts, "ship-0").segments.map(brief(facts))).toEqual([
    "free 0-20",
    "task 1 accepted 20-20",
    "task 2 accepted 20-30",
  ]);
  expect(facts.unknown).toContain(
    "The captain's clock was set back meanwhile: times are those that it told, and none is before the one before it.",
  );
});

test("a voyage without a ledger has nothing to report", async () => {
  const v = await open({ "1": [] });
  v.voyage.ledger.close();
  rmSync(v.folder.ledger);
  await expect(collectReport(v.known())).rejects.toMatchObject({ code: "NOTHING_TO_REPORT" });
});
