import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Listeners } from "../../helm/listeners.ts";
import { shipServer } from "../../helm/server/ship-server.ts";
import { Voyages } from "../../helm/voyages.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage } from "../support/helm-voyage.ts";

let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helms: Voyages[];
beforeEach(async () => {
  captain = await makeCaptain();
  helms = [];
});
afterEach(() => {
  for (const voyages of helms) voyages.end();
  captain.remove();
});

/** Starts a helm with a home of its own, on the same voyages. */
async function open(home: string): Promise<Voyages> {
  process.env.OCAPTAIN_HOME = join(captain.root, home);
  const listeners: Listeners = new Listeners(
    () => shipServer(voyages, () => {}),
    () => {},
  );
  const voyages = new Voyages(() => {}, listeners);
  helms.push(voyages);
  await voyages.start();
  return voyages;
}

test("a second helm on a voyage's ledger is refused with the file, its holder and the way out; when the first ends, it may", async () => {
  const { folder, register } = await makeVoyage(makeSource(captain.root), "v", makePlan({ "1": [] }));
  const [one, two] = [await open("one"), await open("two")];
  process.env.OCAPTAIN_HOME = join(captain.root, "one");
  await one.register("abc123", register);
  await one.register("abc123", register);
  process.env.OCAPTAIN_HOME = join(captain.root, "two");
  await expect(two.register("abc123", register)).rejects.toMatchObject({
    code: "LEDGER_HELD",
    message: `the ledger ${folder.ledger} is held by another helm: process ${process.pid} on ${hostname()}, of ${join(captain.root, "one", "helm")}`,
    hint: expect.stringContaining(`kill ${process.pid}`),
  });
  expect(two.ids()).toEqual([]);
  const token = await one.need("abc123").voyage.crews.register("ship-0", "vm");
  expect(one.need("abc123").voyage.ledger.lifeOfToken(token)).toMatchObject({ ship: "ship-0" });

  one.end();
  await two.register("abc123", register);
  expect(two.need("abc123").voyage.ledger.ship("ship-0")).toBeDefined();
}, 30_000);
