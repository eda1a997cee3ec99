import { afterAll, beforeAll, expect, test } from "vitest";
import { spritePrefix } from "../../lib/base/naming.ts";
import { ensureHarbor } from "../../lib/daemons/harbor.ts";
import { setHarborFaults } from "../support/harbor-faults.ts";
import { diamond } from "../support/plan.ts";
import { type Captain, openCaptain } from "./captain.ts";

let captain: Captain;
beforeAll(async () => {
  captain = await openCaptain({ tasks: diamond(4) });
});
afterAll(() => captain.close());

const fleet = async () => (await captain.sprites()).list(spritePrefix(captain.stack, await captain.voyageId()));

/** Starts an `up` and sends its engine a signal as soon as the provider lists so many VMs. */
async function endedUp(signal: "SIGKILL" | "SIGINT", ships: number) {
  const running = captain.up([], { reject: false });
  await expect.poll(async () => (await fleet().catch(() => [])).length, { interval: 20 }).toBeGreaterThanOrEqual(ships);
  running.kill(signal);
  return running;
}

test("an up killed in the middle, then destroy: also the VM that the state does not know is gone", async () => {
  const harbor = await ensureHarbor();
  // No VM is recorded before it is boarded.
  await setHarborFaults(harbor, { on: "exec", kind: "hang", times: 99 });
  await endedUp("SIGKILL", 1);
  await setHarborFaults(harbor);
  // The engine's lock is for the person to clear, as with any Pulumi program.
  await captain.pulumi(["cancel", "--yes", captain.stack]);
  const { deployment } = await captain.state();
  expect((deployment.resources ?? []).filter((resource) => resource.type.endsWith(":Sprite"))).toEqual([]);
  await captain.destroy();
  expect(await fleet()).toEqual([]);
});

test("an up killed in the middle: its processes end; one Ctrl-C lets what is under way end; the next up goes on, to one fleet", async () => {
  await endedUp("SIGKILL", 1);
  // The provider's processes end by themselves.
  await expect.poll(() => captain.processes("dynamic-provider"), { timeout: 60_000, interval: 200 }).toEqual([]);
  await captain.pulumi(["cancel", "--yes", captain.stack]);
  // Another ship's VM shows that the second up is in the middle of it.
  await captain.configure({ ships: 3 });
  const interrupted = await endedUp("SIGINT", 3);
  expect(interrupted.exitCode).not.toBe(0);
  await captain.up();
  expect(await fleet()).toHaveLength(3);
  await captain.until("verified", (s) => s.state === "verified");
  await captain.up(["--expect-no-changes"]);
  await captain.destroy();
  expect(await captain.processes()).toEqual([]);
});
