import { beforeAll, expect, test } from "vitest";
import { inOrder, registered } from "./registered.ts";

let graph: Record<string, string[]>;
let providers: Record<string, string>;
beforeAll(async () => {
  ({ graph, providers } = await registered({ tailnet: { control: "headscale", digest: "d" } }));
});

test("in a tailnet a ship's key and node come between its VM and its syncs, so that they go between them, too", () => {
  const ship = (name: string) => {
    const syncs = ["logs", "tasks", "workspace"].map((session) => `${name}-${session}`);
    return {
      [name]: ["muster", "helm"],
      [`${name}-key`]: ["muster", name],
      [`${name}-node`]: ["muster", "helm", name, `${name}-key`],
      ...Object.fromEntries(syncs.map((sync) => [sync, ["muster", name, `${name}-node`]])),
      [`${name}-crew`]: ["muster", "helm", name, `${name}-node`, ...syncs],
    };
  };
  const wanted = { muster: [], workspace: ["muster"], helm: ["muster", "workspace"], ...ship("ship-0"), ...ship("ship-1") };
  expect(graph).toEqual(inOrder(wanted));
});

test("two kinds more, of the same one Delegate", () => {
  expect(new Set(Object.values(providers).filter(Boolean)).size).toBe(8);
});
