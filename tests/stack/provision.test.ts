import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
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
  const tasks = diamond(4, (id) => `mkdir -p out; cat deps/name > out/${id}`);
  captain = await openCaptain({ tasks, config: { ships: 3 } });
});
afterAll(() => captain.close());

/**
 * Makes the crew's boarding of one ship fail, once. The voyage's id is set beforehand, so that the fault can name the
 * ship's VM before it is made.
 */
async function faultOnBoarding(ship: string): Promise<void> {
  const voyage = {
    voyageId: "abc123",
    nonce: "0123456789abcdef",
    stack: captain.stack,
    captainId: await captainId(),
    createdAt: new Date().toISOString(),
  };
  await writeVoyageIdentity(voyage);
  await setHarborFaults(await ensureHarbor(), { on: "exec", kind: "unavailable", name: sprite(ship), times: 1 });
}
const sprite = (ship: string) => spriteName(captain.stack, "abc123", ship);

async function provisionWith(...provision: unknown[]): Promise<void> {
  const file = join(captain.plan, "voyage.json");
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), provision }));
}

/** Resolves to a ship's provision.log, of all its lives, as it came home. */
async function logAtHome(ship: string): Promise<string> {
  const folder = join(captain.voyage.root, "logs", ship);
  const lives = await readdir(folder).catch(() => []);
  const texts = lives.map((life) => readFile(join(folder, life, "provision.log"), "utf8").catch(() => ""));
  return (await Promise.all(texts)).join("");
}

const MAKE = 'echo /deps >> .git/info/exclude; mkdir -p deps; echo "made for $SHIP" | tee deps/name';

test("up names each ship that is not ready and why, once, and of its steps which one and what it said; the others sail, their output is home, and the tasks find what the steps made", async () => {
  await provisionWith(MAKE, { run: '[ "$SHIP" = ship-0 ] || { echo "no deps for $SHIP"; exit 3; }', timeoutSeconds: 60 });
  await faultOnBoarding("ship-2");
  const up = await captain.up([], { reject: false });
  expect(up.exitCode).not.toBe(0);
  expect(String(up.all)).toMatch(/ship-1: provision step 2 of 2 .* ended with exit status 3: no deps for ship-1/);
  expect(String(up.all)).not.toMatch(/ship-0: provision step.*ended/);
  expect(String(up.all)).toMatch(/abc123-ship-2.*503/);
  // There is one message for each ship, its own, and none for the resources that depend on it.
  const diagnostics = String(up.all).split("Diagnostics:")[1] ?? "";
  const errors = diagnostics.split("error: ").slice(1);
  expect(errors, diagnostics).toHaveLength(2);
  for (const own of [/abc123-ship-2.*503/, /ship-1: provision step 2 of 2/])
    expect(errors).toContainEqual(expect.stringMatching(own));
  expect(diagnostics).not.toMatch(/unhandled|Circular|node_modules|^ +at /m);
  const { tasks } = await captain.until("verified", (s) => s.state === "verified");
  expect(new Set(tasks.map((task) => task.ship))).toEqual(new Set(["ship-0"]));
  await expect.poll(() => logAtHome("ship-0")).toContain("made for ship-0");
  await expect.poll(() => logAtHome("ship-1")).toContain("no deps for ship-1");
});

test("the next up goes on where it stopped, with the same VMs, now whole: changed steps show in preview, run on every ship, once; up again changes nothing", async () => {
  const sprites = await captain.sprites();
  const ships = ["ship-0", "ship-1", "ship-2"];
  const made = await Promise.all(ships.map(async (ship) => (await sprites.get(sprite(ship)))?.id));
  await provisionWith(MAKE, "echo steps of the second plan");
  const up = await captain.pulumi(["up", "--yes", "--diff", ...captain.onStack]);
  const [preview, update] = String(up.all).split("Updating (sea):");
  expect(preview).toMatch(/steps of the second plan/);
  expect(update).toBeTruthy();
  expect((await captain.outputs()).ships.map(({ name, id }) => [name, id])).toEqual(ships.map((ship, at) => [ship, made[at]]));
  const runs = async (ship: string) => (await logAtHome(ship)).split("$ echo steps of the second plan").length - 1;
  for (const ship of ships) await expect.poll(() => runs(ship)).toBe(1);
  await captain.up(["--expect-no-changes"]);
  expect(await runs("ship-0")).toBe(1);
  await captain.destroy();
  expect(await captain.processes()).toEqual([]);
});
