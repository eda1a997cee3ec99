import { runtime } from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { DEFAULT_POLICY, startStandInPolicy } from "../support/stand-in-policy.ts";

/**
 * The resources that home-port registers. It runs under Pulumi's mocks, because the plugin of @pulumi/tailscale does
 * not come with its npm package; tests/tailnet/home-port.test.ts runs it under the real engine.
 */
const made: { type: string; inputs: Record<string, unknown> }[] = [];
/**
 * The names of the registered hooks; `bound` has those that a resource is bound to. The mocks themselves know no hooks.
 */
const hooks: string[] = [];
const bound: string[] = [];
let api: Awaited<ReturnType<typeof startStandInPolicy>>;
beforeAll(async () => {
  const register = MockMonitor.prototype.registerResource;
  MockMonitor.prototype.registerResource = function (req, callback) {
    const on = req.getHooks();
    bound.push(...(on ? [on.getBeforeCreateList(), on.getBeforeUpdateList(), on.getBeforeDeleteList()].map(String) : []));
    return register.call(this, req, callback);
  };
  Object.assign(MockMonitor.prototype, {
    registerResourceHook(req: { getName(): string }, callback: (error: null, reply: object) => void) {
      hooks.push(req.getName());
      callback(null, {});
    },
  });
  api = await startStandInPolicy();
  Object.assign(process.env, { TAILSCALE_BASE_URL: api.url, TAILSCALE_OAUTH_CLIENT_SECRET: api.secret });
  runtime.setAllConfig({ "home-port:captains": "you@example.com", "home-port:allowOpen": "true" });
  await runtime.setMocks(
    {
      newResource: ({ type, inputs, name }) => {
        made.push({ type, inputs });
        return { id: name, state: inputs };
      },
      call: ({ inputs }) => inputs,
    },
    "home-port",
    "tailnet",
  );
});
afterAll(() => api.close());

test("one resource, the whole policy, in which others' lines are as they were; nothing is written by the program itself", async () => {
  vi.spyOn(console, "log").mockImplementation(() => {}); // The mocks' engine prints.
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "info").mockImplementation(() => {});
  const { diff } = await import("../../tailnet-policy/index.ts");
  await (runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
  expect(hooks.sort()).toEqual(["policy-as-read", "policy-rules-out"]);
  expect(bound).toEqual(["policy-as-read", "policy-as-read", "policy-rules-out"]);
  expect(made).toEqual([
    { type: "tailscale:index/acl:Acl", inputs: { acl: expect.any(String), overwriteExistingContent: true } },
  ]);
  const { acl } = made[0]!.inputs as { acl: string };
  for (const line of DEFAULT_POLICY.split("\n").filter((line) => line.trim() && !/^\t"(grants|ssh)"/.test(line)))
    expect(acl).toContain(line);
  for (const line of diff.split("\n")) expect(acl).toContain(line.slice(2));
  expect(api.state.policy).toBe(DEFAULT_POLICY);
  expect(api.state.calls).not.toContain("POST /api/v2/tailnet/-/acl");
});
