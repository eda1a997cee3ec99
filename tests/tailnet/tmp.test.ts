import { afterAll, beforeAll, expect, test } from "vitest";
import { writeFileSync, appendFileSync } from "node:fs";
import { openTailnetVoyage, type TailnetVoyage, type Joined } from "./tailnet-voyage.ts";
let quay: TailnetVoyage; let ship: Joined;
beforeAll(async () => { quay = await openTailnetVoyage(); ship = await quay.join("ship-0"); }, 300_000);
afterAll(() => quay?.close());
for (let i = 0; i < 6; i++) test("heal " + i, async () => {
  await quay.control.deleteNode(String(ship.outs.nodeId));
  appendFileSync("/tmp/tx/steps", "--- " + i + "\n");
  ship.outs = (await ship.node.create()) as typeof ship.outs;
  const r = await quay.onShip("ship-0", "cat voyage/tailnet/dates; rm -f voyage/tailnet/dates");
  appendFileSync("/tmp/tx/steps", r.stdout);
  writeFileSync("/tmp/tx/shiplog", await quay.sprites.serviceLogs(quay.spriteName("ship-0"), "tailscaled", 600));
});
