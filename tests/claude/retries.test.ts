import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FAILURES } from "../../crew/hands/claude/retry-policy.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import type { TestShip } from "../support/test-ship.ts";
import { ClaudeFleet, taskOf } from "./fleet.ts";
import { scriptedClaude } from "./scripted-claude.ts";

// How many failures are borne takes many runs to show, so these are told by a stand-in of Claude Code. That the real
// one tells such failures so, and goes on with its session after them, is in trouble.test.ts.

const LONG = INSTALL_MS + 120_000;
let fleet: ClaudeFleet;
let ship: TestShip;
beforeAll(async () => {
  fleet = await ClaudeFleet.sail([], 1, {}, { onTrial: false });
  [ship] = fleet.ships as [TestShip];
  fleet.heartbeatSeconds = 0.25;
  fleet.cli = scriptedClaude(
    join(fleet.folder, "cli"),
    [
      // Each failure of task 1 comes after an answer, and then the run itself fails.
      `[ $task = 1 ] && answers && [ $n -le ${FAILURES} ] && fails`,
      `[ $task = 1 ] && [ $n -eq ${FAILURES + 1} ] && exit 1`,
      `[ $task = 2 ] && [ $n -le ${FAILURES} ] && fails`,
      "ends",
    ].join("\n"),
  );
}, LONG);
afterAll(() => fleet?.close());

/** The kinds of the ends of runs that were not their own, since the ship's log had so many events. */
const failures = (since = 0) =>
  ship
    .events()
    .slice(since)
    .filter((event) => event === "api" || event === "crash");

test("an API that fails again and again, and answers in between, and a Claude Code that dies: the session goes on, and no try is lost", async () => {
  await fleet.goOn([{ id: "1", metadata: { tries: 1 } }]);
  const status = await fleet.until("ended by itself", (now) => taskOf(now, "1").status === "blocked");
  expect(taskOf(status, "1")).toMatchObject({
    epoch: 1,
    tries: 1,
    reason: "ended without completing the task: I looked around.",
  });
  expect(failures()).toEqual([...Array(FAILURES).fill("api"), "crash"]);
  const sessions = fleet.logs(ship)["task-1-1.log"]!.match(/session [0-9a-f-]{36}/g);
  expect(sessions).toHaveLength(FAILURES + 2);
  expect(new Set(sessions).size).toBe(1);
});

test("an API that fails six times in a row: the task goes back unharmed, and the voyage waits", async () => {
  const before = ship.events().length;
  await fleet.goOn([{ id: "2", metadata: { tries: 1 } }]);
  const now = await fleet.until("given back", (each) => taskOf(each, "2").epoch === 1 && taskOf(each, "2").status === "pending");
  const why = expect.stringMatching(/the model's API does not answer: .*Not now/);
  expect(now).toMatchObject({ state: "limited", limited: { message: why } });
  expect(taskOf(now, "2")).toMatchObject({ tries: 0, reason: why });
  expect(failures(before)).toEqual(Array(6).fill("api"));
});
