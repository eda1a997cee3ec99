import { runtime } from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import type { VoyageArgs } from "../../components/voyage.ts";
import type { Plan } from "../../lib/plan/types.ts";

const nameOf = (urn: string) => urn.split("::").at(-1) ?? urn;

export const plan: Plan = {
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

/**
 * Runs the program for a voyage of two ships and resolves to what it registers, as the engine records it. `graph` has,
 * by name, the names that a resource depends on, without its component; `providers` has the text of its Delegate;
 * `inputs` has its inputs. Pulumi's mocks are global to the process, so a test file can run one program only.
 */
export async function registered(more: Partial<VoyageArgs> = {}) {
  const graph: Record<string, string[]> = {};
  const providers: Record<string, string> = {};
  const inputs: Record<string, Record<string, unknown>> = {};
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
        inputs[args.name] = args.inputs;
        providers[args.name] = String(args.inputs.__provider ?? "");
        const made = {
          voyageId: "abc123",
          nonce: "n",
          incarnation: `inc-${args.name}`,
          url: "http://helm",
          sessionName: args.name,
          branch: "sea",
          address: "a",
          user: "sprite",
          nodeId: "n",
          captain: "100.64.0.1",
          port: 4318,
          key: "secret",
          keyId: "k",
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
    keepPlan: async () => {},
    ships: 2,
    provider: "harbor",
    hand: "rehearsal",
    credentialsDigest: "",
    leaseSeconds: 120,
    lingerSeconds: 8,
    crewDigest: "c",
    ...more,
  });
  // This waits until all registrations are in. It is internal to the SDK, and so not in its types.
  await (runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
  return { graph, providers, inputs };
}

/** The graph with each list of names sorted, as the tests write it. */
export const inOrder = (graph: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(graph).map(([name, on]) => [name, [...on].sort()]));
