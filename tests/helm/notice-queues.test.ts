import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Ledger } from "../../helm/ledger/ledger.ts";
import {
  dropOthers,
  MOST_WAITING,
  newestNotices,
  nextWaiting,
  noteDelivered,
  noteSeen,
  type QueueTarget,
  type Seen,
  targetRecord,
} from "../../helm/ledger/notices.ts";
import { Store } from "../../helm/ledger/store.ts";
import type { Notice } from "../../lib/notices/events.ts";
import { type HandClock, handClock, scratchFolder } from "./paper.ts";

/** These tests are of occurrences and queues in a real ledger, without a voyage around it. */

const VOYAGE = { id: "abc123", stack: "sea" };
const ALL: QueueTarget = { id: "all", events: undefined, againMinutes: 0 };
const ASKED: QueueTarget = { id: "asked", events: ["task-asked"], againMinutes: 0 };
let scratch: ReturnType<typeof scratchFolder>;
let clock: HandClock;
let ledger: Ledger;
let count = 0;
const openLedger = (file: string) => new Ledger(new Store(join(scratch.folder, file), { sync: "off" }), () => clock.wallMs());
beforeEach(() => {
  scratch = scratchFolder();
  clock = handClock();
  ledger = openLedger("l.sqlite");
});
afterEach(() => {
  ledger.close();
  scratch.remove();
});

const seen = (key: string, more: Partial<Seen> = {}): Seen => ({
  key,
  event: "task-asked",
  of: key,
  title: `sea: ${key}`,
  message: `it is ${key}`,
  detail: "",
  hint: "",
  ...more,
});
const note = (now: Seen[], targets = [ALL]) => ledger.write(() => noteSeen(ledger, VOYAGE, { seen: now }, targets));
/** Takes all that waits for a target out of its queue, as if it was sent. */
async function taken(target = ALL): Promise<Notice[]> {
  const got: Notice[] = [];
  for (let next = nextWaiting(ledger, target.id); next; next = nextWaiting(ledger, target.id)) {
    got.push(next.notice);
    await ledger.write(() => noteDelivered(ledger, next!.seq, 1, null));
  }
  return got;
}

test("whatever opens, ends and opens again, with helms that die in between, each occurrence is told once as opened and once as over, in order", async () => {
  const keys = ["a", "b", "c", "d"];
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("look" as const), now: fc.subarray(keys) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("send" as const), upTo: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.constant({ kind: "die before it is noted" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const file = `p${count++}.sqlite`;
      ledger.close();
      ledger = openLedger(file);
      const received: Notice[] = [];
      /** What must be told, by the model; and what is open, in the order in which it began. */
      const told: string[] = [];
      let open: string[] = [];
      const send = async (upTo: number, isNoted = true) => {
        for (let sent = 0; sent < upTo; sent++) {
          const next = nextWaiting(ledger, ALL.id);
          if (!next) return;
          received.push(next.notice);
          if (!isNoted) return;
          await ledger.write(() => noteDelivered(ledger, next.seq, 1, null));
        }
      };
      const restart = () => {
        ledger.close();
        ledger = openLedger(file);
      };
      for (const step of steps) {
        clock.pass(1);
        if (step.kind === "look") {
          await note(step.now.map((key) => seen(key)));
          const begun = step.now.filter((key) => !open.includes(key));
          told.push(...open.filter((key) => !step.now.includes(key)).map((key) => `${key} resolved`));
          told.push(...begun.map((key) => `${key} opened`));
          open = [...open.filter((key) => step.now.includes(key)), ...begun];
        } else if (step.kind === "send") await send(step.upTo);
        else if (step.kind === "restart") restart();
        else {
          await send(1, false);
          restart();
        }
      }
      await send(Number.POSITIVE_INFINITY);
      // A notice may come twice, with one id; otherwise the receiver got what the model tells, in its order.
      const once = received.filter(({ id }, index) => received.findIndex((other) => other.id === id) === index);
      expect(once.map(({ of, state }) => `${of} ${state}`)).toEqual(told);
      for (const { occurrence } of once) {
        const states = once.filter((each) => each.occurrence === occurrence).map(({ state }) => state);
        expect(["opened", "opened resolved"]).toContain(states.join(" "));
      }
    }),
    { numRuns: 60 },
  );
});

test("a target gets the events that it wants; it is told that those are over, and no others", async () => {
  await note([seen("q"), seen("b", { event: "task-blocked" })], [ALL, ASKED]);
  await note([], [ALL, ASKED]);
  const states = (notices: Notice[]) => notices.map(({ of, state, title }) => `${of} ${state}: ${title}`);
  expect(states(await taken(ALL))).toEqual([
    "q opened: sea: q",
    "b opened: sea: b",
    "q resolved: over: sea: q",
    "b resolved: over: sea: b",
  ]);
  expect(states(await taken(ASKED))).toEqual(["q opened: sea: q", "q resolved: over: sea: q"]);
});

test("a target that is set while something is open hears of nothing that it did not hear begin", async () => {
  await note([seen("q")]);
  await note([seen("q")], [ALL, ASKED]);
  await note([], [ALL, ASKED]);
  expect(await taken(ASKED)).toEqual([]);
});

test("a moment is told once, and not as over, also by a helm that starts anew", async () => {
  const verified = seen("verified:1", { event: "verified", once: true });
  await note([verified]);
  await note([]);
  ledger.close();
  ledger = openLedger("l.sqlite");
  await note([verified]);
  expect((await taken()).map(({ state }) => state)).toEqual(["opened"]);
});

test("what nobody takes is told again after the target's time, then after twice as long, and at most five times", async () => {
  const target = { ...ALL, againMinutes: 30 };
  const times: string[] = [];
  for (let minute = 0; minute < 3_000; minute += 10) {
    await note([seen("q", { message: minute < 60 ? "it asks" : "it still asks" })], [target]);
    for (const { state, id, message } of await taken()) times.push(`${minute} ${state} ${id}: ${message}`);
    clock.pass(600);
  }
  expect(times).toEqual([
    "0 opened abc123-1-opened: it asks",
    "30 again abc123-1-again-1: it asks",
    "90 again abc123-1-again-2: it still asks",
    "210 again abc123-1-again-3: it still asks",
    "450 again abc123-1-again-4: it still asks",
    "930 again abc123-1-again-5: it still asks",
  ]);
});

test("what waits to be sent is not told again, and 0 minutes is never", async () => {
  await note([seen("q")], [{ ...ALL, againMinutes: 1 }, ASKED]);
  clock.pass(3600);
  await note([seen("q")], [{ ...ALL, againMinutes: 1 }, ASKED]);
  expect(await taken(ALL)).toHaveLength(1);
  await note([seen("q")], [{ ...ALL, againMinutes: 1 }, ASKED]);
  expect(await taken(ALL)).toHaveLength(1);
  expect(await taken(ASKED)).toHaveLength(1);
});

test("a queue has a bound: what finds no room is dropped and counted, and the last one that found some tells of it", async () => {
  await note(Array.from({ length: MOST_WAITING + 3 }, (_, n) => seen(`q${n}`)));
  expect(targetRecord(ledger, ALL.id)).toMatchObject({ waiting: MOST_WAITING, dropped: 3 });
  const last = newestNotices(ledger, 1)[0]!;
  expect(last.notice.of).toBe(`q${MOST_WAITING - 1}`);
  while (nextWaiting(ledger, ALL.id)!.seq < MOST_WAITING)
    await ledger.write(() => noteDelivered(ledger, nextWaiting(ledger, ALL.id)!.seq, 1, null));
  expect(nextWaiting(ledger, ALL.id)).toMatchObject({ dropped: 3, notice: { id: last.notice.id } });
  // Of what was dropped as it began nobody hears that it is over.
  await taken();
  await note([]);
  expect(await taken()).toHaveLength(MOST_WAITING);
});

test("what waits for a target that is set no more is dropped, and the others' stays", async () => {
  await note([seen("q")], [ALL, ASKED]);
  expect(await ledger.write(() => dropOthers(ledger, [ASKED.id], "its target is set no more"))).toBe(1);
  expect(nextWaiting(ledger, ALL.id)).toBeUndefined();
  expect(nextWaiting(ledger, ASKED.id)).toBeDefined();
  expect(newestNotices(ledger, 9).map(({ target, status }) => `${target} ${status}`)).toEqual(["asked waiting", "all dropped"]);
});
