import { beforeAll, expect, test } from "vitest";
import { inOrder, registered } from "./registered.ts";

let graph: Record<string, string[]>;
let providers: Record<string, string>;
beforeAll(async () => {
  ({ graph, providers } = await registered());
});

test("the recorded dependency graph is muster, workspace, helm, ships, so that a destroy goes the other way", () => {
  const ship = (name: string) => {
    const syncs = ["logs", "tasks", "workspace"].map((session) => `${name}-${session}`);
    return {
      [name]: ["muster", "helm"],
      ...Object.fromEntries(syncs.map((sync) => [sync, ["muster", name]])),
      [`${name}-crew`]: ["muster", "helm", name, ...syncs],
    };
  };
  const wanted = { muster: [], workspace: ["muster"], helm: ["muster", "workspace"], ...ship("ship-0"), ...ship("ship-1") };
  expect(graph).toEqual(inOrder(wanted));
});

test("one Delegate a kind, small, without a secret, and requiring nothing", () => {
  const kinds = new Set(Object.values(providers).filter(Boolean));
  expect(kinds.size).toBe(6);
  for (const text of kinds) {
    expect(text.length).toBeLessThan(1500);
    expect(text).not.toMatch(/require\(/);
  }
});
