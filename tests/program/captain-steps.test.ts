import { beforeAll, expect, test } from "vitest";
import { captainSteps } from "../../components/captain-steps.ts";
import type { Plan } from "../../lib/plan/types.ts";
import { plan, registered } from "./registered.ts";

let dependsOn: Record<string, string[]>;
let inputs: Record<string, Record<string, unknown>>;

beforeAll(async () => {
  const steps = await captainSteps({ onSail: "notify", onSink: "archive" });
  // The program does not read what a plan says of steps.
  const hostile = { ...plan, onSail: "from the plan", onSink: "from the plan" } as Plan;
  ({ graph: dependsOn, inputs } = await registered({ plan: hostile, steps }));
});

test("onSail comes after every ship's crew; ships come after onSink's resource, so that its command runs when they are gone", () => {
  for (const ship of ["ship-0", "ship-1"]) {
    expect(dependsOn["on-sail"]).toContain(`${ship}-crew`);
    expect(dependsOn[ship]).toContain("on-sink");
  }
  expect(dependsOn["on-sink"]).toEqual(expect.arrayContaining(["muster", "helm"]));
});

test("what they run with: the captain's words, the voyage as environment, no path of this machine; another plan or VM triggers", () => {
  expect(inputs["on-sail"]).toMatchObject({
    create: expect.stringMatching(/^WORKSPACE="\$\{OCAPTAIN_VOYAGES:-\$HOME\/voyages\}.*\nnotify$/),
    environment: { VOYAGE: "abc123", STACK: "sea", BRANCH: "sea", SHIPS: "ship-0 ship-1" },
    triggers: ["d", "inc-ship-0", "inc-ship-1"],
  });
  expect(inputs["on-sink"]).toMatchObject({ create: ":", delete: expect.stringMatching(/\narchive$/) });
});

test("without steps its module is not even asked for", async () => {
  expect(await captainSteps({})).toBeNull();
});
