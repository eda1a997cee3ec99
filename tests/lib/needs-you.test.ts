import { expect, test } from "vitest";
import type { ShipRow, TaskRow, VoyageStatus } from "../../lib/protocol/status.ts";
import { attentionOf } from "../../lib/watch/attention.ts";
import { choicesOf } from "../../lib/watch/choices.ts";
import { seenState } from "../../lib/watch/ship-state.ts";
import type { ShipView } from "../../lib/watch/view.ts";

/** What needs the captain: each with an id that lasts as long as it does, since when, and what answers it. */
const ago = (seconds: number) => new Date(Date.parse("2026-11-23T10:00:00Z") - seconds * 1000).toISOString();
const task = (more: Partial<TaskRow>): TaskRow => ({
  ...{ id: "7", subject: "Keel", status: "claimed", blockedBy: [], ship: "ship-0", incarnation: "a", epoch: 2, tries: 1 },
  ...{ commit: null, reason: null, changedAt: ago(3000) },
  ...more,
});
const row = (more: Partial<ShipRow>): ShipRow => ({
  ...{ ship: "ship-0", incarnation: "a", state: "working", connected: true, lastSeenAt: ago(5), task: null, epoch: null },
  ...{ note: null, hasWork: true },
  ...more,
});
const used = { costUsd: 4, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheCreationTokens: 0, turns: 1, seconds: 1 };

function needs(ships: ShipRow[], more: Partial<VoyageStatus> = {}) {
  const status: VoyageStatus = {
    ...{ id: "abc123", stack: "sea", name: "n", state: "sailing", branch: "sea", tip: "t", verified: null },
    ...{ tasks: [task({})], ships, spend: { ...used, budgetUsd: null, byShip: null } },
    ...{ silenceSeconds: 30, noProgressSeconds: 1200, asOf: ago(0) },
    ...more,
  };
  const held = { id: "7", subject: "Keel", since: ago(3000) };
  const views = ships.map((ship) => ({ ...seenState(ship, status), ship: ship.ship, task: ship.task ? held : null }) as ShipView);
  return attentionOf(status, views);
}

test.each([
  [
    "no progress at a task",
    row({ task: "7", progressAt: ago(1500) }),
    {
      id: "ship/ship-0/no-progress/7",
      message: "ship-0 shows no progress, with task 7 (last output, answer or commit 25 min ago)",
      since: ago(1500),
      action: { verb: "release", task: "7", ship: "ship-0" },
    },
  ],
  [
    "no progress of verify.sh",
    row({ verifyingSince: ago(1400), progressAt: ago(1300) }),
    { id: "ship/ship-0/no-progress/verify", action: { verb: "log", ship: "ship-0" } },
  ],
  [
    "never a hello",
    row({ state: "new", connected: false, lastSeenAt: null, registeredAt: ago(300) }),
    { id: "ship/ship-0/no-signal", since: ago(300), action: { verb: "up", ship: "ship-0" } },
  ],
  [
    "called in vain",
    row({ state: "ended", connected: false, unanswered: 3, silentSeconds: 5 }),
    { id: "ship/ship-0/no-signal", message: "ship-0 gives no signal (called 3 times, no answer)" },
  ],
  [
    "lost",
    row({ state: "lost", connected: false, task: "7", lastSeenAt: ago(95) }),
    { id: "ship/ship-0/lost", since: ago(95), action: { verb: "up", ship: "ship-0" } },
  ],
  ["fenced", row({ state: "fenced", fencedAt: ago(60) }), { id: "ship/ship-0/fenced", since: ago(60) }],
  ["unfit", row({ state: "idle", unfit: "no key", unfitAt: ago(50) }), { id: "ship/ship-0/unfit", since: ago(50) }],
  ["refused", row({ refused: "note: 9 MB", refusedAt: ago(40) }), { id: "ship/ship-0/refused", action: { verb: "log" } }],
])("a ship: %s", (_what, ship, expected) => {
  expect(needs([ship])).toMatchObject([{ kind: "ship", of: "ship-0", ...expected }]);
});

test("a ship that is only late, that sleeps, or of which the helm has just started to hear, needs nobody", () => {
  const late = row({ task: "7", connected: false, lastSeenAt: ago(45), silentSeconds: 45 });
  const asleep = row({ state: "ended", connected: false, goodbye: { at: ago(9), why: "" } });
  expect(needs([late, asleep, row({ state: "ended", connected: false, silentSeconds: 5 })])).toEqual([]);
});

test("a spent budget needs the captain while it holds work back, and not once all is done", () => {
  const spent = { spend: { ...used, budgetUsd: 3, byShip: null }, budgetSpentAt: ago(60) };
  expect(needs([], { ...spent, state: "budget" })).toMatchObject([
    { id: "budget", since: ago(60), action: { verb: "budget" }, hint: expect.stringContaining("ocaptain budget 6 sea") },
  ]);
  expect(needs([], { ...spent, state: "verified", tasks: [task({ status: "accepted" })] })).toEqual([]);
});

test("tasks and verify.sh: what answers them, since when", () => {
  const asked = task({ status: "blocked", question: "Which?\n- red\n- green", askedBy: "ship-0" });
  expect(needs([], { tasks: [asked] })).toMatchObject([
    { id: "question/7/2", choices: ["red", "green"], since: ago(3000), action: { verb: "answer", task: "7", ship: "ship-0" } },
  ]);
  const blocked = task({ status: "blocked", reason: "no timber" });
  expect(needs([], { tasks: [blocked] })).toMatchObject([
    { id: "task/7/2", since: ago(3000), action: { verb: "retry", task: "7" } },
  ]);
  expect(needs([], { tasks: [{ ...blocked, budgetUsd: 3, usage: used }] })).toMatchObject([
    { action: { verb: "up", task: "7" } },
  ]);
  const verified = { commit: "c".repeat(40), exitCode: 1, output: "", at: ago(9) };
  expect(needs([], { state: "failed", verified, tasks: [] })).toMatchObject([
    { id: `verification/cccccccccccc/${ago(9)}`, since: ago(9), action: { verb: "verify" } },
  ]);
});

test.each([
  ["Which colour?\n- red\n- green", ["red", "green"]],
  ["Which?\n\n  1. Keep it \x1b[31m\n  2) Drop it\n", ["Keep it", "Drop it"]],
  ["a) yes\nb) no", ["yes", "no"]],
  ["Which colour, red or green?", []],
  ["Look:\n- one thing\n- another\nShall I go on?", []],
  ["- only one", []],
  ["Twice?\n- same\n- same", []],
  [`Too long?\n- ${"x".repeat(121)}\n- y`, []],
  [`Too many?\n${Array.from({ length: 10 }, (_, n) => `- ${n}`).join("\n")}`, []],
])("the choices of %j are %j", (question, expected) => {
  expect(choicesOf(question)).toEqual(expected);
});
