import { afterAll, beforeAll, expect, test } from "vitest";
import { spriteName } from "../../lib/base/naming.ts";
import { ensureHarbor } from "../../lib/daemons/harbor.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { setHarborFaults } from "../support/harbor-faults.ts";
import { diamond } from "../support/plan.ts";
import { type Captain, openCaptain } from "./captain.ts";

let captain: Captain;
beforeAll(async () => {
  captain = await openCaptain({ tasks: diamond(4), config: { ships: 2 } });
});
afterAll(() => captain.close());

/**
 * Makes the crew's boarding of one ship fail. The voyage's id is set beforehand, so that the fault can name the ship's
 * VM before it is made.
 */
async function faultOnBoarding(ship: string, times: number): Promise<void> {
  const voyage = {
    voyageId: "abc123",
    nonce: "0123456789abcdef",
    stack: captain.stack,
    captainId: await captainId(),
    createdAt: new Date().toISOString(),
  };
  await writeVoyageIdentity(voyage);
  const name = spriteName(captain.stack, "abc123", ship);
  await setHarborFaults(await ensureHarbor(), { on: "exec", kind: "unavailable", name, times });
}

test("up names the ship that is not ready and why, and the others sail", async () => {
  await faultOnBoarding("ship-1", 1);
  const up = await captain.up([], { reject: false });
  expect(up.exitCode).not.toBe(0);
  expect(String(up.all)).toMatch(/abc123-ship-1.*503/);
  // There is one message, the ship's own, and none for the resources that depend on it.
  const diagnostics = String(up.all).split("Diagnostics:")[1] ?? "";
  expect(diagnostics.match(/error: /g)).toHaveLength(1);
  expect(diagnostics).not.toMatch(/unhandled|Circular|node_modules|^ +at /m);
  await captain.until("at work with ship-0", (s) => s.ships.some((ship) => ship.ship === "ship-0" && ship.state !== "new"));
});

test("the next up goes on where it stopped: the same VM, now whole", async () => {
  const made = await (await captain.sprites()).get(spriteName(captain.stack, "abc123", "ship-1"));
  await captain.up();
  const outputs = await captain.outputs();
  expect(outputs.ships.map((ship) => ship.name)).toEqual(["ship-0", "ship-1"]);
  expect(outputs.ships[1]?.id).toBe(made?.id);
  await captain.until("verified", (s) => s.state === "verified");
  await captain.destroy();
  expect(await captain.processes()).toEqual([]);
});
