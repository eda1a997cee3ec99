import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spritePrefix } from "../../lib/base/naming.ts";
import { readSailedPlan } from "../../lib/plan/sailed-plan.ts";
import { type Captain, openCaptain, type StateResource } from "./captain.ts";

/**
 * A state that an earlier version wrote, as `pulumi stack export` gave it; today's code must go on with it. The values
 * that were that voyage's own are `<now>` in it, and are filled in from the export of a voyage that sails now. Names of
 * inputs, outputs and types, the order of deletion and the delegates' code are the old ones.
 */
const OLD = join(import.meta.dirname, "../fixtures/state/2026-11-28.json");
type OldState = { delegate: string[]; resources: StateResource[] };

let captain: Captain;
beforeAll(async () => {
  captain = await openCaptain({ tasks: ["1", "2"].map((id) => ({ id, run: `echo ${id} > ${id}` })) });
  await captain.up();
});
afterAll(() => captain.close());

test("refresh of an old state finds what sails", async () => {
  await importOld();
  await captain.pulumi(["refresh", "--yes", "--skip-preview", ...captain.onStack, "--expect-no-changes"]);
  const { resources = [] } = (await captain.state()).deployment;
  const muster = resources.find(({ urn }) => urn.endsWith("::muster"));
  expect(muster?.outputs.__provider).toContain("/dynamic-providers/host.ts");
});

test("up mends what an old state has lost, in place, and wants nothing else made, changed, replaced or deleted", async () => {
  const id = await captain.voyageId();
  const [ship] = (await captain.helm().voyage(id)).ships;
  await captain.helm().fenceShip(id, "ship-0", ship?.incarnation ?? "", "for a test");
  const up = String((await captain.up()).stdout);
  expect(up).toMatch(/ship-0-crew .*updated/);
  expect(up).toMatch(/\nResources:\n +~ 1 updated\n +\d+ unchanged\n/);
});

test("destroy of an old state sinks the fleet and proves it", async () => {
  const id = await captain.voyageId();
  await importOld();
  await captain.destroy();
  expect(await (await captain.sprites()).list(spritePrefix(captain.stack, id))).toEqual([]);
  expect(((await captain.state()).deployment.resources ?? []).filter((one) => one.id !== undefined)).toEqual([]);
});

/** Puts the old state in the place of the present one. */
async function importOld(): Promise<void> {
  const present = await captain.state();
  const old = JSON.parse(await readFile(OLD, "utf8")) as OldState;
  const byUrn = new Map((present.deployment.resources ?? []).map((one) => [one.urn, one]));
  // Today's state has digests in the place of these.
  const { plan } = readSailedPlan(captain.voyage.ledger)!;
  const whole: Record<string, object> = { helm: { plan }, workspace: { spec: plan.spec, verify: plan.verify } };
  for (const one of byUrn.values())
    for (const bag of [one.inputs, one.outputs]) Object.assign(bag ?? {}, whole[one.urn.split("::").at(-1)!]);
  const resources = old.resources.map((one) => {
    const filled = fill(one, byUrn.get(one.urn), one.urn) as StateResource;
    for (const bag of [filled.inputs, filled.outputs])
      if (bag?.__provider)
        bag.__provider = old.delegate.join("\n").replace("<kind>", /^<delegate (.*)>$/.exec(String(bag.__provider))?.[1] ?? "");
    return filled;
  });
  const file = join(captain.folder, "old.json");
  await writeFile(file, JSON.stringify({ ...present, deployment: { ...present.deployment, resources } }));
  await captain.pulumi(["stack", "import", "--file", file, "-s", captain.stack]);
}

/** Fills a part of the old state: each `<now>` becomes the value at the same place of the present state. */
function fill(old: unknown, now: unknown, place: string): unknown {
  if (old === "<now>") {
    if (now === undefined) throw new Error(`today's state has nothing at ${place}`);
    return now;
  }
  if (typeof old !== "object" || old === null) return old;
  if (Array.isArray(old)) return old.map((item, index) => fill(item, (now as unknown[])?.[index], `${place}[${index}]`));
  return Object.fromEntries(
    Object.entries(old).map(([key, value]) => [key, fill(value, (now as Record<string, unknown>)?.[key], `${place}.${key}`)]),
  );
}
