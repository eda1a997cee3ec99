import fc from "fast-check";
import { expect, test } from "vitest";
import type { ShipRow, TaskRow } from "../../lib/protocol/status.ts";
import { type Around, notAsked, seenState } from "../../lib/watch/ship-state.ts";

/** How a ship's state is derived from what the helm knows: each rule, their order, and what no state may claim. */
const NOW = Date.parse("2026-11-23T10:00:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
const row = (more: Partial<ShipRow>): ShipRow => ({
  ship: "ship-0",
  incarnation: "a",
  state: "working",
  connected: false,
  lastSeenAt: ago(12),
  task: null,
  epoch: null,
  note: null,
  hasWork: true,
  ...more,
});
/**
 * A task that this ship claimed 3 hours ago. The tasks below were accepted 10 minutes ago from this life, 5 minutes ago
 * from an earlier one, and 2 minutes ago from another ship.
 */
const held: TaskRow = {
  ...{ id: "1", subject: "s", status: "claimed", blockedBy: [], ship: "ship-0", incarnation: "a", epoch: 1, tries: 0 },
  ...{ commit: null, reason: null, changedAt: ago(3 * 3600) },
};
const TASKS: TaskRow[] = [
  held,
  { ...held, id: "2", status: "accepted", changedAt: ago(600) },
  { ...held, id: "3", status: "accepted", incarnation: "before", changedAt: ago(300) },
  { ...held, id: "4", status: "accepted", ship: "ship-1", changedAt: ago(120) },
];
const AROUND: Around = { asOf: ago(0), tasks: TASKS, silenceSeconds: 30, noProgressSeconds: 1200 };
const goodbye = { at: ago(40), why: "nothing to claim (waiting)" };

type Expected = [state: string, knownBy: string, since: number | null, factAt?: number | null];
const cases: [Partial<ShipRow>, Expected][] = [
  // Fenced comes before all, also while the ship speaks on.
  [
    { state: "fenced", connected: true, task: "1", fencedAt: ago(50), lastSeenAt: ago(1) },
    ["fenced", "last heard 1 s ago", 50, 50],
  ],
  [{ state: "fenced", lastSeenAt: null }, ["fenced", "by the helm", null]],
  [{ state: "fenced", task: "1" }, ["fenced", "last heard 12 s ago", 12]],
  [{ state: "lost", task: "1" }, ["lost", "last heard 12 s ago", 12]],
  [{ state: "lost", task: "1", lastSeenAt: null }, ["lost", "the helm has not heard of it since it started", null]],
  // Never heard of: first nobody can say, then its hello was due.
  [{ state: "new", lastSeenAt: null }, ["unknown", "registered, never heard of", null]],
  [{ state: "new", lastSeenAt: null, registeredAt: ago(30), unfit: "x" }, ["unknown", "registered, never heard of", 30, 30]],
  [{ state: "new", lastSeenAt: null, registeredAt: ago(300) }, ["no-signal", "registered 5 min ago, never heard of", 300, 300]],
  // At work, and a heartbeat is overdue.
  [{ task: "1", lastSeenAt: ago(45), silentSeconds: 45 }, ["no-signal", "last heard 45 s ago", 45, 45]],
  [{ task: "1", lastSeenAt: ago(5000), silentSeconds: 45 }, ["no-signal", "the helm has not heard of it since it started", null]],
  [{ task: "1", lastSeenAt: ago(5000), silentSeconds: 5 }, ["unknown", "the helm has just started", null, null]],
  [{ task: "1", lastSeenAt: ago(20), silentSeconds: 20 }, ["working", "last heard 20 s ago", 10_800, 20]],
  [{ state: "stopping", task: "1", lastSeenAt: ago(45), silentSeconds: 45 }, ["no-signal", "last heard 45 s ago", 45]],
  // At work and heard of, and nothing comes of it.
  [
    { task: "1", connected: true, progressAt: ago(1500) },
    ["no-progress", "last output, answer or commit 25 min ago", 1500, 1500],
  ],
  [{ task: "1", connected: true, progressAt: ago(1100) }, ["working", "connected", 10_800, 12]],
  [{ task: "1", connected: true }, ["working", "connected", 10_800]],
  [{ verifyingSince: ago(60), connected: true, progressAt: ago(1500) }, ["working", "connected", 60]],
  [
    { verifyingSince: ago(1300), connected: true, progressAt: ago(1250) },
    ["no-progress", "last output, answer or commit 20 min ago", 1250],
  ],
  [
    { task: "1", progressAt: ago(1500), limited: { until: ago(-60), message: "", by: [] } },
    ["working", "last heard 12 s ago", 10_800],
  ],
  // At work. An unfit ship with a claim is at work still.
  [{ connected: true, task: "1", unfit: "x" }, ["working", "connected", 10_800]],
  [{ note: "verify.sh" }, ["working", "last heard 12 s ago", 120]],
  [{ state: "stopping", task: "1" }, ["working", "told to stop", 10_800]],
  // It cannot work, whether it is there or not.
  [{ state: "idle", connected: true, unfit: "no key\nmore", unfitAt: ago(70) }, ["unfit", "no key", 70, 70]],
  [{ state: "ended", goodbye, unfit: "no key" }, ["unfit", "no key", null]],
  // It is there.
  [{ state: "idle", connected: true }, ["idle", "connected", 600, 12]],
  [{ state: "idle", connected: true, helloAt: ago(90) }, ["idle", "connected", 90]],
  [{ state: "idle", incarnation: "new" }, ["idle", "last heard 12 s ago", null]],
  [{ state: "stopping" }, ["idle", "told to stop", 600]],
  // It is gone.
  [{ state: "ended", goodbye, silentSeconds: 40 }, ["asleep", "said goodbye: nothing to do", 40, 40]],
  [
    { state: "ended", goodbye: { ...goodbye, why: "the captain says stop" } },
    ["asleep", "said goodbye: the captain says stop", 40],
  ],
  [{ state: "ended", goodbye, unanswered: 1 }, ["asleep", "called 1 time, no answer yet", 40]],
  [{ state: "ended", goodbye, unanswered: 3 }, ["no-signal", "called 3 times, no answer", 12]],
  [{ state: "ended" }, ["asleep", "said goodbye: nothing to do", 12]],
  [{ state: "ended", lastSeenAt: ago(50), silentSeconds: 50 }, ["no-signal", "no goodbye; last heard 50 s ago", 50, 50]],
  [{ state: "ended", silentSeconds: 12 }, ["unknown", "gone without a goodbye", 12]],
  [{ state: "ended", lastSeenAt: ago(9000), silentSeconds: 5 }, ["unknown", "the helm has just started", null]],
];

test.each(cases)("%j is %j", (more, [state, knownBy, since, factAt]) => {
  const seen = seenState(row(more), AROUND);
  expect(seen).toMatchObject({ state, knownBy, since: since === null ? null : ago(since) });
  if (factAt !== undefined) expect(seen.factAt).toBe(factAt === null ? null : ago(factAt));
});

test("a ship of a paused voyage sleeps by that; of a helm that cannot be asked nothing is said", () => {
  expect(seenState(row({ state: "ended", goodbye }), { ...AROUND, paused: { since: ago(60), giveBackAt: null } }).knownBy).toBe(
    "said goodbye: paused",
  );
  expect(notAsked(held)).toMatchObject({ state: "unknown", knownBy: "held this task when the helm was last there" });
  expect(notAsked(undefined)).toEqual({ state: "unknown", knownBy: "the helm cannot be asked", factAt: null, since: null });
});

test("whatever the helm says, a ship has one state; it is working or idle only if it was heard of in time, and asleep only if it said goodbye", () => {
  const time = fc.option(fc.integer({ min: 0, max: 5000 }).map(ago), { nil: undefined });
  const facts = fc.record({
    state: fc.constantFrom("new", "working", "idle", "ended", "lost", "fenced", "stopping"),
    connected: fc.boolean(),
    task: fc.constantFrom(null, "1"),
    lastSeenAt: fc.option(fc.integer({ min: 0, max: 5000 }).map(ago)),
    silentSeconds: fc.integer({ min: 0, max: 5000 }),
    unfit: fc.option(fc.string(), { nil: undefined }),
    goodbye: fc.option(fc.constant(goodbye), { nil: undefined }),
    unanswered: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    ...{ registeredAt: time, helloAt: time, progressAt: time, verifyingSince: time, fencedAt: time, unfitAt: time },
  });
  const states = new Set<string>();
  fc.assert(
    fc.property(facts, (more) => {
      const one = row(Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)));
      const seen = seenState(one, AROUND);
      states.add(seen.state);
      expect(seen.knownBy).not.toBe("");
      for (const at of [seen.since, seen.factAt]) if (at !== null) expect(Date.parse(at)).toBeLessThanOrEqual(NOW);
      const isHeard = one.connected || one.silentSeconds! <= 30;
      if (["working", "idle", "no-progress"].includes(seen.state)) expect(isHeard).toBe(true);
      if (seen.state === "idle") expect(["idle", "stopping"]).toContain(one.state);
      if (seen.state === "asleep") expect(one.goodbye).toBeDefined();
      if (one.state === "fenced" || one.state === "lost") expect(seen.state).toBe(one.state);
    }),
    { numRuns: 2_000 },
  );
  expect([...states].sort()).toEqual([
    "asleep",
    "fenced",
    "idle",
    "lost",
    "no-progress",
    "no-signal",
    "unfit",
    "unknown",
    "working",
  ]);
});
