import { join } from "node:path";
import { expect, test } from "vitest";
import { loadPlan } from "../../lib/plan/load.ts";
import { effectiveTouches } from "../../lib/plan/touches.ts";
import { formatFindings } from "../support/findings.ts";

/** Tests of plans in the shapes in which the prior art's skill and its examples write them. */
const load = async (name: string) => {
  const loaded = await loadPlan(join(import.meta.dirname, "..", "fixtures", "prior-plans", name));
  if ("findings" in loaded) throw new Error(formatFindings(loaded.findings));
  expect(loaded.warnings).toEqual([]);
  return loaded.plan;
};

test("a plan of the prior art with titles, no status, no activeForm and one side of its edges sails as it is, on GitHub's repository", async () => {
  const plan = await load("titles");
  expect(plan).toMatchObject({
    name: "voyage-3f9a1c20b7de",
    repo: "https://github.com/octocat/Hello-World",
    recommendedShips: 2,
  });
  expect(plan.verify).toContain("cd ~/voyage/workspace");
  expect(
    plan.tasks.map(({ id, subject, blocks, blockedBy, metadata }) => ({ id, subject, blocks, blockedBy, metadata })),
  ).toEqual([
    { id: "1", subject: "Write the greeting", blocks: ["3"], blockedBy: [], metadata: { ship: "ship-0" } },
    { id: "2", subject: "Write the server", blocks: ["3"], blockedBy: [], metadata: { ship: "ship-1" } },
    { id: "3", subject: "Join them", blocks: [], blockedBy: ["1", "2"], metadata: { voyage: null } },
  ]);
  expect(plan.tasks.map((task) => effectiveTouches(task))).toEqual([["src/greet.py"], ["src/server.py"], ["src/main.py"]]);
});

test("a plan of the prior art with subjects sails as it is", async () => {
  const plan = await load("subjects");
  expect(plan.tasks).toMatchObject([{ id: "1", subject: "Say hello", activeForm: "Saying hello" }]);
});
