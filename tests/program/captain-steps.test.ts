import { runtime } from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { beforeAll, expect, test } from "vitest";
import { captainSteps } from "../../components/captain-steps.ts";
import type { Plan } from "../../lib/plan-types.ts";

const dependsOn: Record<string, string[]> = {};
const inputs: Record<string, Record<string, unknown>> = {};
const nameOf = (urn: string) => urn.split("::").at(-1) ?? urn;

beforeAll(async () => {
  const original = MockMonitor.prototype.registerResource;
  MockMonitor.prototype.registerResource = function (req, callback) {
    if (req.getCustom()) dependsOn[req.getName()] = req.getDependenciesList().map(nameOf);
    return original.call(this, req, callback);
  };
  await runtime.setMocks(
    {
      newResource: (args) => {
        inputs[args.name] = args.inputs;
        const made = {
          voyageId: "abc123",
          nonce: "n",
          incarnation: `inc-${args.name}`,
          url: "u",
          sessionName: args.name,
          branch: "sea",
          address: "a",
        };
        return { id: args.name, state: { ...args.inputs, ...made } };
      },
      call: (args) => args.inputs,
    },
    "ocaptain",
    "sea",
  );
  const { Voyage } = await import("../../components/voyage.ts");
  const rest = {
    name: "s",
    purpose: "",
    repo: ".",
    recommendedShips: 2,
    width: 1,
    spec: "",
    verify: null,
    tasks: [],
    digest: "d",
  };
  // What a plan says of steps is not read.
  const plan = { ...rest, onSail: "from the plan", onSink: "from the plan" } as Plan;
  new Voyage("sea", {
    ...{
      stack: "sea",
      plan,
      ships: 2,
      provider: "harbor",
      hand: "rehearsal",
      credentialsDigest: "",
      leaseSeconds: 120,
      lingerSeconds: 8,
    },
    crewDigest: "c",
    steps: await captainSteps({ onSail: "notify", onSink: "archive" }),
  });
  await (runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
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
