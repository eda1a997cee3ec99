import { runtime } from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { expect, test } from "vitest";

test("a ship's key to the tailnet is registered as a secret, whatever other options say", async () => {
  const secret: Record<string, string[]> = {};
  const original = MockMonitor.prototype.registerResource;
  MockMonitor.prototype.registerResource = function (req, callback) {
    secret[req.getName()] = req.getAdditionalsecretoutputsList();
    return original.call(this, req, callback);
  };
  await runtime.setMocks(
    { newResource: (args) => ({ id: args.name, state: args.inputs }), call: (args) => args.inputs },
    "ocaptain",
    "sea",
  );
  const { TailnetKey } = await import("../../dynamic-providers/tailnet-key/resource.ts");
  const ship = { stack: "sea", voyageId: "abc123", ship: "ship-0", sprite: "sea-abc123-ship-0", incarnation: "life" };
  new TailnetKey("ship-0-key", { ...ship, control: "tailscale" }, { protect: false, additionalSecretOutputs: ["expiresAt"] });
  // This waits until all registrations are in. It is internal to the SDK, and so not in its types.
  await (runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
  expect(secret["ship-0-key"]).toContain("key");
});
