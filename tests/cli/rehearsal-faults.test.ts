import { expect, test } from "vitest";
import { faultsOf } from "../../cli/plan/rehearse/faults.ts";
import type { TaskRow, VoyageState } from "../../lib/protocol/status.ts";

const task = (id: string, more: Partial<TaskRow> = {}): TaskRow => ({
  ...{ id, subject: id, status: "accepted", blockedBy: [], ship: "ship-0", incarnation: "i", epoch: 1, tries: 0, commit: null },
  ...{ reason: null, changedAt: "2026-01-01T00:00:00Z", ...more },
});
const verified = { commit: "c", exitCode: 1, output: "3 of 9 failed\nmore", at: "2026-01-01T00:00:00Z" };
const faults = (
  state: VoyageState,
  more: { tasks?: TaskRow[]; stoodIn?: string[]; left?: string[]; verify?: string | null } = {},
) =>
  faultsOf(
    { verify: more.verify === undefined ? "true" : more.verify },
    {
      status: { state, tasks: more.tasks ?? [task("1")], verified: state === "failed" ? verified : null },
      stoodIn: new Set(more.stoodIn),
      left: more.left ?? [],
    },
  );

test("a rehearsal has no fault where all is accepted and verified, or there is nothing that could verify it", () => {
  expect(faults("verified")).toEqual([]);
  expect(faults("done", { verify: null })).toEqual([]);
});

test("a task that is not accepted is a fault, with its reason", () => {
  const tasks = [
    task("1", { status: "blocked", reason: "the check failed\nat line 3" }),
    task("2", { status: "pending" }),
    task("3"),
  ];
  expect(faults("blocked", { tasks })).toEqual(["task 1 is blocked: the check failed", "task 2 is pending"]);
});

test("a verify.sh that fails is a fault, unless tasks were stood in for; one that did not run always is", () => {
  expect(faults("failed")).toEqual(["verify.sh failed: 3 of 9 failed"]);
  expect(faults("failed", { stoodIn: ["1"] })).toEqual([]);
  expect(faults("verifying", { stoodIn: ["1"] })).toEqual(["verify.sh did not run: the voyage is verifying"]);
});

test("what a destroy has left is a fault, whatever else went well", () => {
  expect(faults("verified", { left: ["ship a-1", "the helm, pid 7"] })).toEqual([
    "left after the voyage: ship a-1",
    "left after the voyage: the helm, pid 7",
  ]);
});
