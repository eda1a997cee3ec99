import { expect, test } from "vitest";
import { GRACE_MS } from "../../helm/notices/occurrences.ts";
import type { LandingLook } from "../../lib/watch/landed.ts";
import type { Attention } from "../../lib/watch/view.ts";
import { makePlan } from "../support/helm-voyage.ts";
import { landingFile } from "../support/landing.ts";
import { blockTask, clock, look, notices, notify, openVoyage, receiver, TIMING, voyage } from "./notice-voyage.ts";
import { boardPaperShip } from "./paper.ts";

/** What of a voyage is told, and when it is over. */

test("a task that is blocked is told with what helps, and again when it is tried anew; agents' words are harmless and stay data", async () => {
  const there = await receiver();
  await notify([{ url: there.url }]);
  await blockTask();
  await look();
  await voyage.retry("1");
  await look();
  const [opened, resolved] = there.notices();
  expect(opened).toMatchObject({
    id: "abc123-1-opened",
    occurrence: "abc123-1",
    state: "opened",
    event: "task-blocked",
    voyage: "abc123",
    stack: "v",
    of: "1",
    title: "v: task 1 is blocked",
    message: 'task 1 (Task 1) is blocked after 1 try: no "luck"',
    hint: expect.stringMatching(/^ocaptain logs v --task 1 {2}#/),
  });
  expect(resolved).toMatchObject({ id: "abc123-1-resolved", state: "resolved", title: "over: v: task 1 is blocked", hint: "" });
  expect(there.got[0]!.headers).toMatchObject({ "content-type": "application/json", "ocaptain-notice": "abc123-1-opened" });
});

test("a check that failed is told by what the forge has last said, until something is pushed", async () => {
  const there = await receiver();
  let landing = landingFile({ checks: { "build\u001b[2J": "failure", lint: "success" } });
  await notify([{ url: there.url }], { landing: async () => ({ landing, canLand: true }) });
  await look();
  landing = landingFile({ checks: { build: "failure" }, pushedAgain: true });
  await look();
  expect(there.told()).toEqual(["ci-failed opened", "ci-failed resolved"]);
  expect(there.notices()[0]).toMatchObject({
    ...{ of: "7", title: "v: checks of pull request 7 failed", message: "1 check of pull request 7 failed: build" },
    hint: expect.stringMatching(/^ocaptain land fix v /),
  });
});

test("a question comes with the agent's words in full; its answer ends it", async () => {
  const there = await receiver();
  await notify([{ url: there.url, events: ["task-asked"] }]);
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  const { task, epoch } = await ship.grant();
  await voyage.calls.answer("ask", ship.caller, {
    requestId: "q",
    incarnation: "vm-ship-0",
    task: task.id,
    epoch,
    question: "Red?\nOr green?",
  });
  await look();
  await voyage.answer("1", "Green");
  await look();
  expect(there.told()).toEqual(["task-asked opened", "task-asked resolved"]);
  expect(there.notices()[0]).toMatchObject({ detail: "Red?\nOr green?", message: "task 1 (Task 1) asks, from ship-0" });
});

test("a lost ship is told only when it stays lost; a helm that starts anew does not take its own not knowing for a return", async () => {
  const there = await receiver();
  const target = { url: there.url, events: ["ship-lost" as const] };
  await notify([target]);
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  await ship.grant();
  clock.pass(TIMING.fenceSeconds + 1);
  await look();
  expect(there.told()).toEqual([]);
  clock.pass(GRACE_MS / 1000);
  await look();
  expect(there.told()).toEqual(["ship-lost opened"]);
  voyage.ledger.close();
  await openVoyage();
  await notify([target]);
  await look();
  expect(voyage.status().ships[0]!.state).toBe("working");
  expect(there.told()).toEqual(["ship-lost opened"]);
  clock.pass(1);
  const again = await boardPaperShip(voyage, "ship-0");
  await again.heartbeat();
  await look();
  expect(there.told()).toEqual(["ship-lost opened", "ship-lost resolved"]);
});

test("no progress is told until something comes of the work; a new helm that was not told of either holds its tongue", async () => {
  const there = await receiver();
  const target = { url: there.url };
  await notify([target]);
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  const { task, epoch } = await ship.grant();
  const beat = (quietSeconds?: number) =>
    voyage.calls.answer("heartbeat", ship.caller, {
      requestId: `h${clock.now()}`,
      incarnation: "vm-ship-0",
      claim: { task: task.id, epoch },
      ...(quietSeconds !== undefined && { quietSeconds }),
    });
  clock.pass(1300);
  await beat(1290);
  await look();
  expect(there.told()).toEqual(["no-progress opened"]);
  voyage.ledger.close();
  await openVoyage();
  await notify([target]);
  clock.pass(1);
  await beat();
  await look();
  expect(there.told()).toEqual(["no-progress opened"]);
  clock.pass(1);
  await beat(0);
  await look();
  expect(there.told()).toEqual(["no-progress opened", "no-progress resolved"]);
});

test("a usage limit is told as it begins and as it is over; verify.sh's result at the end", async () => {
  const there = await receiver();
  let landing: LandingLook = { landing: undefined, canLand: false };
  await notify([{ url: there.url }], { landing: async () => landing });
  await voyage.register({ stack: "v", plan: makePlan({ "1": [] }, { verify: "true" }), hand: "claude", timing: TIMING });
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  await voyage.calls.answer("trial", ship.caller, { requestId: "t", incarnation: "vm-ship-0", fit: true, message: "" });
  const until = new Date(clock.wallMs() + 3600_000).toISOString();
  await voyage.calls.answer("limited", ship.caller, { requestId: "l", incarnation: "vm-ship-0", until, message: "resets 5pm" });
  await look();
  clock.pass(3601);
  await look();
  const { task, epoch } = await ship.grant();
  await ship.accept(task.id, epoch);
  for (const exitCode of [3, 0]) {
    const reply = await ship.claim();
    if (reply.kind !== "verify") throw new Error(reply.kind);
    const result = { commit: voyage.context.tip, exitCode, output: "one\ntwo", seconds: 1 };
    await voyage.calls.answer("verified", ship.caller, {
      requestId: `v${exitCode}`,
      incarnation: "vm-ship-0",
      epoch: reply.epoch,
      ...result,
    });
    await look();
    if (exitCode) await voyage.retryVerification();
    await look();
  }
  expect(there.told()).toEqual([
    "usage-limit opened",
    "usage-limit resolved",
    "verification-failed opened",
    "verification-failed resolved",
    "verified opened",
  ]);
  landing = { landing: undefined, canLand: true };
  await look();
  const pushed = [{ ...landingFile().pushed[0]!, commit: voyage.context.tip }];
  landing = { landing: { ...landingFile(), pushed }, canLand: true };
  await look();
  expect(there.told().slice(5)).toEqual(["ready-to-land opened", "ready-to-land resolved"]);
});

test("a budget is told at 80 %, and when it is spent; a higher one ends that", async () => {
  const there = await receiver();
  await notify([{ url: there.url }]);
  const plan = makePlan({ "1": [], "2": [] });
  await voyage.register({ stack: "v", plan, hand: "claude", timing: TIMING, budgetUsd: 10 });
  const ship = await boardPaperShip(voyage, "ship-0");
  await ship.hello();
  const spend = (run: string, costUsd: number) => {
    const usage = { costUsd, inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheCreationTokens: 0, turns: 1, seconds: 1 };
    return voyage.calls.answer("usage", ship.caller, { requestId: run, incarnation: "vm-ship-0", run, session: run, usage });
  };
  await spend("a", 7.9);
  await look();
  expect(there.told()).toEqual([]);
  await spend("b", 0.2);
  await look();
  await spend("c", 2);
  await look();
  // A voyage that is paused tells that in the first place; its budget is spent all the same.
  await voyage.pause();
  await look();
  await voyage.resume();
  await voyage.register({ stack: "v", plan, hand: "claude", timing: TIMING, budgetUsd: 20 });
  await look();
  expect(there.told()).toEqual(["budget-low opened", "budget-spent opened", "budget-spent resolved"]);
});

test("the end of the voyage ends what is open, and waits for that to be sent", async () => {
  const there = await receiver();
  await notify([{ url: there.url }]);
  await blockTask();
  await look();
  await notices.end();
  expect(there.told()).toEqual(["task-blocked opened", "task-blocked resolved"]);
});

test("a ship that was refused is told, and a new helm, which has not refused it, does not take that back; made anew, it is over", async () => {
  const there = await receiver();
  const target = { url: there.url };
  await notify([target], { pageAt: () => "http://127.0.0.1:40321" });
  await boardPaperShip(voyage, "ship-0");
  const { life } = voyage.ledger.ships()[0]!;
  voyage.context.liveness.refuse(life, "an answer of 9 MB");
  await look();
  expect(there.notices()[0]).toMatchObject({ event: "ship-refused", of: "ship-0", link: "http://127.0.0.1:40321/#v" });
  voyage.ledger.close();
  await openVoyage();
  await notify([target]);
  await look();
  expect(there.told()).toEqual(["ship-refused opened"]);
  await boardPaperShip(voyage, "ship-0", "vm-new");
  await look();
  expect(there.told()).toEqual(["ship-refused opened", "ship-refused resolved"]);
  expect(there.notices()[1]!.link, "no page is served any more").toBe("");
});

test("a sync that stays in trouble is told, not one that is soon mended; a daemon that cannot be asked mends nothing", async () => {
  const there = await receiver();
  const trouble: Attention[] = [
    {
      id: "sync/ship-0/workspace/conflicts",
      kind: "sync",
      of: "ship-0",
      message: "the workspace sync of ship-0 has conflicts: a.txt",
      hint: "pulumi up -s v",
      since: null,
      action: { verb: "up" },
    },
  ];
  let needs: Attention[] | null = null;
  let asked = 0;
  const syncs = async () => {
    asked++;
    return needs;
  };
  await notify([{ url: there.url, events: ["sync-trouble"] }], { syncs });
  await boardPaperShip(voyage, "ship-0");
  const minute = async (now: typeof needs) => {
    needs = now;
    clock.pass(60);
    await notices.look(); // It asks, and what is said counts from the next look on.
    await look();
  };
  for (const now of [trouble, [], trouble, trouble]) await minute(now);
  expect(there.told()).toEqual([]);
  for (const now of [trouble, null]) await minute(now);
  expect(there.told()).toEqual(["sync-trouble opened"]);
  expect(there.notices()[0]).toMatchObject({ of: "ship-0", message: expect.stringContaining("has conflicts") });
  const before = asked;
  await look();
  expect(asked, "it is asked once a minute").toBe(before);
  await minute([]);
  expect(there.told()).toEqual(["sync-trouble opened", "sync-trouble resolved"]);
});
