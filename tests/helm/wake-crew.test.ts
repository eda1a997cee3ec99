import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { helmHome } from "../../lib/base/paths.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { type OpenVoyage, openVoyage } from "../support/voyage/voyage.ts";

/** These tests wake ships of the real harbor, on which the real crew runs. */
let quay: OpenVoyage;
const until = (file: string) => `until [ -e "$HOME/${file}" ]; do sleep 0.1; done`;
beforeAll(async () => {
  const second = { after: ["1"], run: until("second") };
  quay = await openVoyage([
    { id: "1", run: until("first") },
    { id: "2", ...second },
    { id: "3", ...second },
  ]);
  await quay.workspace.create();
  await quay.helm.create();
});
afterAll(() => quay.close());

const status = () => helmClient().voyage(quay.voyageId);
const soon = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 60_000, interval: 200 });
const row = async (ship: string) => (await status()).ships.find((one) => one.ship === ship);
const wakes = (ship: string) =>
  readFileSync(join(helmHome(), "helm.log"), "utf8")
    .split("\n")
    .filter((line) => line.includes('"event":"wake"') && line.includes(`"ship":"${ship}"`)).length;

async function launch(ship: string) {
  const sprite = await quay.sprite(ship).create();
  await quay.launch(ship, String(sprite.incarnation)).create();
}

test("a crew with nothing to do ends and its VM sleeps; when a task becomes free, or a run of verify.sh is asked for, the helm wakes it, and it takes that", async () => {
  await launch("ship-0");
  await soon(async () => (await row("ship-0"))?.task).toBe("1");
  await launch("ship-1");
  await soon(async () => (await row("ship-1"))?.state).toBe("ended");
  await quay.sendToSleep("ship-1");
  const asleep = async () => (await quay.sprites.get(quay.spriteName("ship-1")))?.status;
  expect(await asleep()).toBe("warm");
  expect(wakes("ship-1")).toBe(0);

  await quay.onShip("ship-0", "touch first");
  await soon(async () => (await status()).tasks.map((task) => task.status)).toEqual(["accepted", "claimed", "claimed"]);
  expect(wakes("ship-1")).toBeGreaterThan(0);
  expect(await row("ship-1")).toMatchObject({ state: "working", connected: true });
  expect(await asleep()).toBe("running");

  for (const ship of ["ship-0", "ship-1"]) await quay.onShip(ship, "touch second");
  await soon(async () => (await status()).state).toBe("verified");
  expect((await status()).tasks.map((task) => task.epoch)).toEqual([1, 1, 1]);

  await soon(async () => (await row("ship-1"))?.state).toBe("ended");
  await quay.sendToSleep("ship-1");
  const earlier = wakes("ship-1");
  const ask = { commit: (await status()).tip, later: ["ship-0"] };
  const { probe } = await helmClient().askProbe(quay.voyageId, ask);
  // The other ship takes it where this one needs longer than a heartbeat to wake.
  await soon(() => helmClient().probe(quay.voyageId, probe)).toMatchObject({ status: "done", exitCode: 0 });
  expect(wakes("ship-1")).toBeGreaterThan(earlier);
});
