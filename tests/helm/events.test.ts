import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Branch } from "../../helm/repository/branch.ts";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import { Waker } from "../../helm/voyage/wake.ts";
import { readLedger } from "../../lib/plan/read-ledger.ts";
import { EventKind, type VoyageEvent } from "../../lib/protocol/events.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { makePlan } from "../support/helm-voyage.ts";
import { boardPaperShip, type HandClock, handClock, openPaperVoyage, paperBranch, scratchFolder } from "./paper.ts";

/** What the ledger tells of what has happened: each change has its event, and neither is there without the other. */
const TIMING = { leaseSeconds: 60, heartbeatSeconds: 5, fenceSeconds: 45, lingerSeconds: 5 };
const used = { costUsd: 3, inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheCreationTokens: 0, turns: 1, seconds: 1 };

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
    ...{ file: ledgerFile(), timing: TIMING, clock, branch },
    ...{ graph: { "1": [], "2": [], "3": [] }, metadata: { "3": { check: "true" } } },
  });
const ledgerFile = () => join(scratch.folder, "l.sqlite");

const plan = (ids: string[], verify?: string) =>
  makePlan(Object.fromEntries(ids.map((id) => [id, []])), verify === undefined ? {} : { verify });
const register = (ids: string[], more: Partial<Parameters<Voyage["register"]>[0]> = {}, verify?: string) =>
  voyage.register({ stack: "v", plan: plan(ids, verify), hand: "rehearsal", timing: TIMING, ...more });

/** A ship that has said hello, with all that the tests have it say. */
async function come(name = "ship-0") {
  const ship = await boardPaperShip(voyage, name);
  await ship.hello();
  const { caller } = ship;
  const ask = () => ({ requestId: randomUUID(), incarnation: caller.incarnation });
  const claimed = async () => {
    const { task, epoch } = await ship.grant();
    return { task: task.id, epoch };
  };
  const release = (held: object, more: object) =>
    voyage.calls.answer("release", caller, {
      ...ask(),
      reason: "why",
      failed: false,
      ...(held as { task: string; epoch: number }),
      ...more,
    });
  const run = { session: randomUUID(), run: randomUUID() };
  return {
    ...ship,
    claimed,
    release,
    question: (held: { task: string; epoch: number }) =>
      voyage.calls.answer("ask", caller, { ...ask(), ...held, question: "Red?" }),
    trial: (fit: boolean) => voyage.calls.answer("trial", caller, { ...ask(), fit, message: fit ? "" : "no key" }),
    limited: (until: string) => voyage.calls.answer("limited", caller, { ...ask(), until, message: "5-hour limit" }),
    usage: () => voyage.calls.answer("usage", caller, { ...ask(), ...run, usage: used }),
    verification: async () => {
      const reply = await ship.claim();
      if (reply.kind !== "verify") throw new Error(JSON.stringify(reply));
      return { epoch: reply.epoch, commit: reply.commit };
    },
    verified: (held: { epoch: number; commit: string }, exitCode: number) =>
      voyage.calls.answer("verified", caller, { ...ask(), ...held, exitCode, output: "a\nlast words\n", seconds: 1 }),
    unverified: (held: { epoch: number; commit: string }) =>
      voyage.calls.answer("unverified", caller, { ...ask(), ...held, reason: "no disk" }),
  };
}
const inSeconds = (seconds: number) => new Date(clock.wallMs() + seconds * 1000).toISOString();

/** The tip once all three tasks are accepted. */
const TIP = "4".padStart(40, "0");

/** Each row: the events of a change, and what prepares that change and gives it. */
type Change = () => Promise<unknown>;
const CHANGES: Record<string, [expected: object[], prepare: () => Promise<Change>]> = {
  "an up registers the voyage again": [
    [{ kind: "voyage-registered", data: { tasks: 3 } }],
    async () => () =>
      register(["1", "2", "3"], { plan: { ...plan(["1", "2", "3"]), tasks: JSON.parse(voyage.ledger.meta("plan")!).tasks } }),
  ],
  "a changed plan": [
    [
      { kind: "voyage-registered", data: { tasks: 3 } },
      { kind: "plan-changed", data: { added: 1, updated: 0, cancelled: 1 } },
      { kind: "task-added", task: "4" },
      { kind: "task-cancelled", task: "3" },
    ],
    async () => () => register(["1", "2", "4"]),
  ],
  "another budget": [
    [{ kind: "voyage-registered" }, { kind: "budget-changed", data: { fromUsd: null, toUsd: 2 } }],
    async () => {
      await register(["1"]);
      return () => register(["1"], { budgetUsd: 2 });
    },
  ],
  "a spent budget": [
    [{ kind: "budget-spent", data: { costUsd: 3, budgetUsd: 2 } }],
    async () => {
      await register(["1"], { budgetUsd: 2, hand: "claude" });
      const ship = await come();
      return ship.usage;
    },
  ],
  "a ship is registered": [
    [{ kind: "ship-registered", ship: "ship-0", data: { incarnation: "vm-ship-0", life: 1 } }],
    async () => () => voyage.crews.register("ship-0", "vm-ship-0"),
  ],
  "a hello": [[{ kind: "ship-hello", ship: "ship-0" }], async () => (await boardPaperShip(voyage, "ship-0")).hello],
  "a fence": [
    [
      { kind: "ship-fenced", ship: "ship-0", reason: "so" },
      { kind: "task-released", task: "1", ship: "ship-0", epoch: 1, reason: "taken from ship-0: so", data: { lost: false } },
    ],
    async () => {
      await (await come()).claimed();
      return () => voyage.crews.fence("ship-0", "vm-ship-0", "so");
    },
  ],
  "a ship taken out": [
    [{ kind: "ship-fenced" }, { kind: "ship-forgotten", ship: "ship-0" }],
    async () => {
      await come();
      return () => voyage.crews.forget("ship-0");
    },
  ],
  "a hand that cannot work": [
    [{ kind: "ship-unfit", ship: "ship-0", reason: "no key" }],
    async () => {
      await register(["1"], { hand: "claude" });
      const ship = await come();
      return () => ship.trial(false);
    },
  ],
  "a hand that can": [
    [{ kind: "ship-fit", ship: "ship-0" }],
    async () => {
      await register(["1"], { hand: "claude" });
      const ship = await come();
      return () => ship.trial(true);
    },
  ],
  "the third fault in a row": [
    [
      { kind: "ship-unfit", ship: "ship-0" },
      { kind: "task-given-back", task: "1", data: { failed: false, fault: true, tries: 0 } },
    ],
    async () => {
      const ship = await come();
      for (let n = 0; n < 2; n++) await ship.release(await ship.claimed(), { fault: true });
      const held = await ship.claimed();
      return () => ship.release(held, { fault: true });
    },
  ],
  "a grant": [[{ kind: "task-granted", task: "1", ship: "ship-0", epoch: 1 }], async () => (await come()).claim],
  "an accept": [
    [{ kind: "task-accepted", task: "1", ship: "ship-0", epoch: 1, data: { commit: "2".padStart(40, "0"), seconds: 7 } }],
    async () => {
      const ship = await come();
      const { task, epoch } = await ship.claimed();
      clock.pass(7);
      return () => ship.accept(task, epoch);
    },
  ],
  "a try that failed": [
    [
      {
        kind: "task-given-back",
        task: "1",
        ship: "ship-0",
        epoch: 1,
        reason: "why",
        data: { failed: true, fault: false, tries: 1 },
      },
    ],
    async () => {
      const ship = await come();
      const held = await ship.claimed();
      return () => ship.release(held, { failed: true });
    },
  ],
  "the last try": [
    [
      { kind: "task-given-back", data: { failed: true, tries: 3 } },
      { kind: "task-blocked", task: "1", reason: "why" },
    ],
    async () => {
      const ship = await come();
      for (let n = 0; n < 2; n++) await ship.release(await ship.claimed(), { failed: true });
      const held = await ship.claimed();
      return () => ship.release(held, { failed: true });
    },
  ],
  "a question, and its answer": [
    [{ kind: "task-answered", task: "1", epoch: 1, reason: "Blue" }],
    async () => {
      const ship = await come();
      await ship.question(await ship.claimed());
      expect(last()).toMatchObject({ kind: "task-asked", task: "1", ship: "ship-0", reason: "Red?" });
      return () => voyage.answer("1", "Blue");
    },
  ],
  "a retry": [
    [{ kind: "task-retried", task: "1" }],
    async () => {
      const ship = await come();
      await ship.question(await ship.claimed());
      return () => voyage.retry("1");
    },
  ],
  "a conflict": [
    [{ kind: "merge-conflict", task: "1", ship: "ship-0", epoch: 1, data: { files: ["a", "b", "c", "d", "e"], count: 6 } }],
    async () => {
      const ship = await come();
      const { task, epoch } = await ship.claimed();
      branch.merge = async () => ({ kind: "conflict", tip: "1".repeat(40), files: [..."abcdef"] });
      return () => ship.accept(task, epoch);
    },
  ],
  "a usage limit": [
    [{ kind: "limit-begun", ship: "ship-0", reason: "5-hour limit", data: { until: new Date(1_600_000).toISOString() } }],
    async () => {
      const ship = await come();
      return () => ship.limited(new Date(1_600_000).toISOString());
    },
  ],
  "a limit that the captain lifts": [
    [{ kind: "limit-over" }],
    async () => {
      await (await come()).limited(inSeconds(600));
      return () => voyage.liftLimits();
    },
  ],
  "a pause": [[{ kind: "paused", data: { giveBackAt: new Date(1_005_000).toISOString() } }], async () => () => voyage.pause(5)],
  "the end of a pause": [
    [{ kind: "resumed" }],
    async () => {
      await voyage.pause();
      return () => voyage.resume();
    },
  ],
  "a start of the helm": [[{ kind: "helm-started" }], async () => () => voyage.noteStart()],
  "the end of a paused voyage": [
    [{ kind: "voyage-deregistered" }],
    async () => {
      await voyage.pause();
      return () => voyage.sink();
    },
  ],
  "a verification": [
    [{ kind: "verification-granted", ship: "ship-0", epoch: 1, data: { commit: TIP } }],
    async () => (await delivered()).claim,
  ],
  "verify.sh succeeds": [
    [{ kind: "verification-passed", ship: "ship-0", data: { exitCode: 0 } }],
    async () => {
      const ship = await delivered();
      const held = await ship.verification();
      return () => ship.verified(held, 0);
    },
  ],
  "verify.sh fails": [
    [{ kind: "verification-failed", ship: "ship-0", reason: "last words", data: { exitCode: 3 } }],
    async () => {
      const ship = await delivered();
      const held = await ship.verification();
      return () => ship.verified(held, 3);
    },
  ],
  "verify.sh could not be run": [
    [{ kind: "verification-dropped", ship: "ship-0", reason: "no disk" }],
    async () => {
      const ship = await delivered();
      const held = await ship.verification();
      return () => ship.unverified(held);
    },
  ],
  "a probe is asked for": [
    [{ kind: "probe-asked", data: { commit: TIP } }],
    async () => {
      await delivered();
      return () => voyage.askProbe({ commit: TIP });
    },
  ],
  "a probe is given to a ship": [
    [{ kind: "probe-granted", ship: "ship-0", data: { commit: TIP } }],
    async () => (await probed()).claim,
  ],
  "a probe comes to its end": [
    [{ kind: "probe-ended", ship: "ship-0", data: { commit: TIP, exitCode: 3 } }],
    async () => {
      const ship = await probed();
      const held = await ship.verification();
      return () => ship.verified(held, 3);
    },
  ],
  "a probe could not be run": [
    [{ kind: "probe-dropped", ship: "ship-0", reason: "no disk" }],
    async () => {
      const ship = await probed();
      const held = await ship.verification();
      return () => ship.unverified(held);
    },
  ],
  "a probe is taken back": [
    [{ kind: "probe-dropped", reason: "the captain has taken it back" }],
    async () => {
      await probed();
      return () => voyage.cancelProbe(2);
    },
  ],
};

/** A ship in a voyage that is verified, where a probe waits. */
async function probed() {
  const ship = await delivered();
  await ship.verified(await ship.verification(), 0);
  await voyage.askProbe({ commit: TIP });
  return ship;
}

/** A ship in a voyage of which all is delivered, and nothing verified. */
async function delivered() {
  await register(["1", "2", "3"], {}, "exit 0");
  const ship = await come();
  for (let n = 0; n < 3; n++) {
    const { task, epoch } = await ship.claimed();
    await ship.accept(task, epoch);
  }
  return ship;
}

const since = (seq: number): VoyageEvent[] => voyage.events(seq, 1_000).events;
const lastSeq = () => voyage.events(0, 0).last;
const last = () => since(0).at(-1);

/** All rows of the ledger but the events. */
function rows(): string {
  const reader = new DatabaseSync(ledgerFile(), { readOnly: true });
  const names = reader
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('events', 'sqlite_sequence')")
    .all();
  const all = names.map(({ name }) => [name, reader.prepare(`SELECT * FROM ${name}`).all()]);
  reader.close();
  return JSON.stringify(all);
}

test.each(Object.entries(CHANGES))(
  "%s is told; and where that cannot be written, nothing has changed",
  async (_what, [expected, prepare]) => {
    const change = await prepare();
    const before = [lastSeq(), rows()] as const;
    const { store } = voyage.ledger;
    store.run("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    await expect(change()).rejects.toThrow("the disk is full");
    // An accept's intent is on disk before; it is settled by the next call.
    expect(withoutIntents(rows())).toBe(withoutIntents(before[1]));
    store.run("DROP TRIGGER full");
    await change();
    expect(since(before[0])).toMatchObject(expected);
    expect(since(before[0])).toHaveLength(expected.length);
  },
);
const withoutIntents = (text: string) =>
  JSON.stringify((JSON.parse(text) as [string, unknown][]).filter(([name]) => name !== "intents" && name !== "deliveries"));

test("what has no change of the ledger is told as well: a check that failed, a limit that ran out, a crew that was started, a mirror that was saved", async () => {
  const ship = await come();
  await ship.limited(inSeconds(600));
  voyage.tick();
  clock.pass(601);
  voyage.tick();
  voyage.tick();
  await expect.poll(() => last()).toMatchObject({ kind: "limit-over" });
  for (const id of ["1", "2"]) {
    const held = await ship.claimed();
    expect(held.task).toBe(id);
    await ship.accept(held.task, held.epoch);
  }
  const third = await ship.claimed();
  await expect(ship.accept(third.task, third.epoch, { check: { exitCode: 7, output: "" } })).rejects.toThrow("ended with 7");
  expect(last()).toMatchObject({ kind: "check-failed", task: "3", ship: "ship-0", reason: "the check of task 3 ended with 7" });

  branch.rescue = async () => "refs/lost/3/1";
  await voyage.crews.fence("ship-0", "vm-ship-0", "so");
  expect(since(0)).toContainEqual(
    expect.objectContaining({ kind: "rescued", task: "3", epoch: 1, data: { ref: "refs/lost/3/1" } }),
  );

  const other = await come("ship-1");
  const close = other.present();
  close();
  clock.pass(60);
  const sprites = { get: async () => ({ id: "vm-ship-1" }), exec: async () => ({ exitCode: 0, stderr: "" }) };
  const waker = new Waker(voyage.context, voyage.crews, async () => sprites as unknown as SpritesClient);
  waker.look();
  await expect.poll(() => last()).toMatchObject({ kind: "ship-woken", ship: "ship-1", data: { attempt: 1 } });
  waker.close();
});

test("a voyage begins with its registration; events are read in parts, and of a ledger that no helm has open", async () => {
  expect(voyage.events(0, 10)).toMatchObject({
    events: [{ seq: 1, kind: "voyage-registered", data: { tasks: 3, first: true } }],
    last: 1,
    whole: true,
  });
  await voyage.pause();
  await voyage.resume();
  expect(voyage.events(1, 1)).toMatchObject({ events: [{ seq: 2, kind: "paused" }], last: 3, whole: true });
  const all = voyage.events(0, 10);
  voyage.ledger.close();
  expect(readLedger(ledgerFile(), (file) => file.events(0, 10))).toEqual(all);
});

test("a ledger of an earlier helm goes on, and says that what was before is not in it", async () => {
  voyage.ledger.store.run("DROP TABLE events");
  voyage.ledger.close();
  expect(readLedger(ledgerFile(), (file) => file.events(0, 10))).toEqual({ events: [], last: 0, whole: false });
  voyage = await open();
  expect(voyage.events(0, 10)).toMatchObject({ events: [{ kind: "voyage-registered" }], whole: false });
});

test("a long text is cut, and the oldest events go when there are too many", async () => {
  const ship = await come();
  await ship.release(await ship.claimed(), { reason: "x".repeat(8_000) });
  expect(last()?.reason).toBe("x".repeat(500));
  voyage.ledger.store.run("UPDATE sqlite_sequence SET seq = 299999 WHERE name = 'events'");
  await voyage.pause();
  expect(voyage.events(0, 10)).toMatchObject({ events: [{ seq: 300_000, kind: "paused" }], whole: false });
});

test("each kind of event is looked at here", () => {
  const told = new Set(Object.values(CHANGES).flatMap(([expected]) => expected.map((one) => (one as VoyageEvent).kind)));
  const above = ["task-asked", "limit-over", "check-failed", "rescued", "ship-woken", "ship-away"];
  expect([...EventKind.options].filter((kind) => !told.has(kind) && !above.includes(kind))).toEqual([]);
});
