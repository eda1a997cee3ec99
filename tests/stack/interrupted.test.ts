import { afterEach, beforeEach, expect, test } from "vitest";
import { spritePrefix } from "../../lib/base/naming.ts";
import { ensureHarbor } from "../../lib/daemons/harbor.ts";
import { setHarborFaults } from "../support/harbor-faults.ts";
import { diamond } from "../support/plan.ts";
import { type Captain, openCaptain } from "./captain.ts";

let captain: Captain;
beforeEach(async () => {
  captain = await openCaptain({ tasks: diamond(4), config: { ships: 3 } });
});
afterEach(() => captain.close());

const fleet = async () => (await captain.sprites()).list(spritePrefix(captain.stack, await captain.voyageId()));

/** Starts an `up` and kills its engine with SIGKILL as soon as the provider lists a VM. */
async function killedUp(): Promise<void> {
  const running = captain.up([], { reject: false });
  await expect.poll(() => fleet().catch(() => []), { interval: 20 }).not.toHaveLength(0);
  running.kill("SIGKILL");
  await running;
}

test("an up killed in the middle: its processes end, and the next up converges to one fleet", async () => {
  await killedUp();
  // The engine's lock is for the person to clear, as with any Pulumi program; the provider's processes end by
  // themselves.
  await expect.poll(() => captain.processes("dynamic-provider"), { timeout: 60_000, interval: 200 }).toEqual([]);
  await captain.pulumi(["cancel", "--yes", captain.stack]);
  await captain.up();
  expect(await fleet()).toHaveLength(3);
  await captain.until("verified", (s) => s.state === "verified");
  await captain.up(["--expect-no-changes"]);
  await captain.destroy();
  expect(await captain.processes()).toEqual([]);
});

test("an up killed in the middle, then destroy: also the VM that the state does not know is gone", async () => {
  const harbor = await ensureHarbor();
  // No VM is recorded before it is boarded.
  await setHarborFaults(harbor, { on: "exec", kind: "hang", times: 99 });
  await killedUp();
  await setHarborFaults(harbor);
  await captain.pulumi(["cancel", "--yes", captain.stack]);
  const { deployment } = await captain.state();
  expect((deployment.resources ?? []).filter((resource) => resource.type.endsWith(":Sprite"))).toEqual([]);
  await captain.destroy();
  expect(await fleet()).toEqual([]);
});

test("one Ctrl-C lets what is under way end, and the next up goes on", async () => {
  const running = captain.up([], { reject: false });
  await expect.poll(() => fleet().catch(() => []), { interval: 20 }).not.toHaveLength(0);
  running.kill("SIGINT");
  expect((await running).exitCode).not.toBe(0);
  await captain.up();
  expect(await fleet()).toHaveLength(3);
  await captain.destroy();
});
