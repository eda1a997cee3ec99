import { runtime } from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { beforeAll, expect, test } from "vitest";
import type { Plan } from "../../lib/plan-types.ts";

/** What the program registers, as the engine records it: name → the names it depends on (its component left out). */
const graph: Record<string, string[]> = {};
const providers: Record<string, string> = {};
const nameOf = (urn: string) => urn.split("::").at(-1) ?? urn;

const plan: Plan = {
  name: "small",
  purpose: "test",
  repo: ".",
  recommendedShips: 2,
  width: 1,
  spec: "# small",
  verify: null,
  tasks: [],
  digest: "d",
};

beforeAll(async () => {
  const original = MockMonitor.prototype.registerResource;
  MockMonitor.prototype.registerResource = function (req, callback) {
    if (req.getCustom())
      graph[req.getName()] = req
        .getDependenciesList()
        .map(nameOf)
        .filter((name: string) => name !== "sea")
        .sort();
    return original.call(this, req, callback);
  };
  await runtime.setMocks(
    {
      newResource: (args) => {
        providers[args.name] = String(args.inputs.__provider ?? "");
        const made = {
          voyageId: "abc123",
          nonce: "n",
          incarnation: `inc-${args.name}`,
          url: "http://helm",
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
  new Voyage("sea", {
    stack: "sea",
    plan,
    ships: 2,
    provider: "harbor",
    hand: "rehearsal",
    credentialsDigest: "",
    leaseSeconds: 120,
    lingerSeconds: 8,
    crewDigest: "c",
  });
  // Internal to the SDK, and so not in its types: all registrations are in.
  await (runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
});

test("the recorded dependency graph is the order of design 5, so that delete is its reverse", () => {
  const ship = (name: string) => {
    const syncs = ["logs", "tasks", "workspace"].map((session) => `${name}-${session}`);
    return {
      [name]: ["muster", "helm"],
      ...Object.fromEntries(syncs.map((sync) => [sync, ["muster", name]])),
      [`${name}-crew`]: ["muster", "helm", name, ...syncs],
    };
  };
  const wanted = { muster: [], workspace: ["muster"], helm: ["muster", "workspace"], ...ship("ship-0"), ...ship("ship-1") };
  expect(graph).toEqual(Object.fromEntries(Object.entries(wanted).map(([name, on]) => [name, [...on].sort()])));
});

test("one Delegate a kind, small, without a secret, and requiring nothing", () => {
  const kinds = new Set(Object.values(providers).filter(Boolean));
  expect(kinds.size).toBe(6);
  for (const text of kinds) {
    expect(text.length).toBeLessThan(6000);
    expect(text).not.toMatch(/require\(/);
  }
});
