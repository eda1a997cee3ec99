import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spriteName } from "../../lib/base/naming.ts";
import { helmHome } from "../../lib/base/paths.ts";
import { ensureHarbor, stopHarbor } from "../../lib/daemons/harbor.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { provisionArgv, provisionStdin } from "../../lib/ship/install.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage, ship } from "../support/helm-voyage.ts";

/** These tests wake ships of the real harbor, on which a crew only notes that it was started. */

const ID = "abc123";
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
let sprites: SpritesClient;
beforeAll(async () => {
  captain = await makeCaptain();
  await ensureHarbor();
  sprites = await openSprites({ kind: "harbor" });
  helm = await ensureHelm();
  const plan = makePlan({ "1": [], "2": ["1"], "3": ["1"] });
  const { register } = await makeVoyage(makeSource(captain.root), "v", plan, {
    provider: { kind: "harbor" },
    timing: { leaseSeconds: 60, heartbeatSeconds: 0.5, fenceSeconds: 50 },
  });
  await helm.registerVoyage(ID, register);
});
afterAll(async () => {
  await stopHelm();
  for (const name of await sprites.list("v-")) await sprites.remove(name);
  await stopHarbor();
  captain.remove();
});

async function come(name: string) {
  const sprite = await sprites.create(spriteName("v", ID, name), ["test"]);
  const crew = { path: "voyage/crew/supervisor.js", content: 'require("node:fs").appendFileSync("started", "x")\n', mode: 0o600 };
  await sprites.exec(sprite.name, provisionArgv(), { stdin: provisionStdin({ files: [crew] }) });
  const { token } = await helm.registerShip(ID, name, sprite.id);
  const call = ship(captain.url, token, sprite.id);
  await call.hello();
  const stream = await call.presence();
  const starts = async () => (await sprites.exec(sprite.name, ["sh", "-c", "cat started 2>/dev/null || true"])).stdout.length;
  return { sprite, call, stream, starts };
}
const log = (event: string, name: string) =>
  readFileSync(join(helmHome(), "helm.log"), "utf8")
    .split("\n")
    .filter((line) => line.includes(`"event":"${event}"`) && line.includes(`"ship":"${name}"`)).length;

test("ships that ended are woken when tasks become free for them, as many as there are tasks, and one that is told to stop is not", async () => {
  const [a, b, c, d] = [await come("ship-0"), await come("ship-1"), await come("ship-2"), await come("ship-3")];
  const grant = await a.call.grant();
  for (const one of [b, c, d]) {
    expect(await one.call.claim()).toMatchObject({ kind: "nothing", reason: "waiting" });
    one.stream.close();
  }
  await expect.poll(async () => (await helm.ship(ID, "ship-3")).state).toBe("ended");
  await helm.stopShip(ID, "ship-3", d.sprite.id, 5);
  expect(log("wake", "ship-1") + log("wake", "ship-2") + log("wake", "ship-3")).toBe(0);

  // Task 1 is given back and free; then ship-0 goes. (waker.test.ts shows that nobody is woken while it is there.)
  await a.call.release(grant, false);
  a.stream.close();
  await expect.poll(() => log("wake", "ship-0") + log("wake", "ship-1") + log("wake", "ship-2")).toBeGreaterThan(0);
  await expect.poll(async () => (await a.starts()) + (await b.starts()) + (await c.starts())).toBeGreaterThan(0);
  // The stand-in of the crew never says hello, so the same ship is tried again, with a back-off, and no second one for
  // the same task.
  expect(log("wake", "ship-3")).toBe(0);
  expect(await d.starts()).toBe(0);
  for (const name of ["ship-0", "ship-1", "ship-2", "ship-3"]) await helm.forgetShip(ID, name);
}, 60_000);

test("a ship that fell silent with its claim, its stream still open, is woken and keeps it; one that the provider does not have any more is fenced", async () => {
  const a = await come("ship-4");
  const grant = await a.call.grant();
  await expect.poll(() => log("wake", "ship-4")).toBeGreaterThan(0);
  await expect.poll(a.starts).toBeGreaterThan(0);
  expect((await a.call.hello()).claim).toEqual(grant);
  await sprites.remove(a.sprite.name);
  await expect.poll(async () => (await helm.ship(ID, "ship-4")).state).toBe("fenced");
  expect((await helm.voyage(ID)).tasks[0]).toMatchObject({ status: "pending", tries: 0 });
}, 60_000);
