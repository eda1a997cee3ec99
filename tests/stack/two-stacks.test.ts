import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spritePrefix } from "../../lib/base/naming.ts";
import { preflight } from "../../lib/preflight/preflight.ts";
import { diamond, writePlan } from "../support/plan.ts";
import { type Captain, openCaptain } from "./captain.ts";

let red: Captain;
let blue: Captain;
/**
 * A captain with blue's stack name, plan and repository, but a Pulumi backend of its own. It stands for another
 * checkout, or for the same one after its state was lost.
 */
let again: Captain | undefined;
beforeAll(async () => {
  red = await openCaptain({ stack: "red", tasks: diamond(4), config: { ships: 1 } });
  blue = await openCaptain({ stack: "blue", tasks: diamond(4), config: { ships: 1 }, beside: red });
});
afterAll(async () => {
  await again?.close();
  await blue.close();
  await red.close();
});

test("two voyages of one captain, at once, do not meet", async () => {
  await Promise.all([red.up(), blue.up()]);
  const [one, other] = await Promise.all([red, blue].map((captain) => captain.until("verified", (s) => s.state === "verified")));
  expect(one?.id).not.toBe(other?.id);
  expect(new Set([...(one?.ships ?? []), ...(other?.ships ?? [])].map((ship) => ship.incarnation)).size).toBe(2);
});

test("sinking one leaves the other as it is", async () => {
  await red.destroy();
  const sprites = await blue.sprites();
  expect(await sprites.list(spritePrefix("red", await red.voyageId()))).toEqual([]);
  expect(await sprites.list(spritePrefix("blue", await blue.voyageId()))).toHaveLength(1);
  await blue.up(["--expect-no-changes"]);
});

test("a second state of one stack's name is refused, makes nothing and ends nothing; it adopts the voyage by its id, and then the first is refused", async () => {
  const id = await blue.voyageId();
  again = await openCaptain({ stack: "blue", config: { ships: 1 }, beside: red });
  await again.configure({ plan: blue.plan });
  const before = await blue.helm().voyage(id);
  const refused = await again.up([], { reject: false });
  expect(refused.exitCode).not.toBe(0);
  const refusal = `voyage ${id} of stack "blue" is at sea[\\s\\S]*pulumi config set ocaptain:adopt ${id}`;
  expect(refused.all).toMatch(new RegExp(refusal));
  await again.destroy();
  const after = await blue.helm().voyage(id);
  expect(after.ships.map((ship) => ship.incarnation)).toEqual(before.ships.map((ship) => ship.incarnation));
  expect(after.tasks).toEqual(before.tasks);

  await again.configure({ adopt: id });
  await again.up();
  expect((await blue.helm().voyage(id)).ships.map((ship) => ship.incarnation)).toEqual(before.ships.map((s) => s.incarnation));
  const late = await blue.destroy([], { reject: false });
  expect(late.exitCode).not.toBe(0);
  expect(late.all).toMatch(/was adopted by another Pulumi state/);
  expect(await (await blue.sprites()).list(spritePrefix("blue", id))).toHaveLength(1);
  await again.destroy();
  expect(await again.processes()).toEqual([]);
});

test("a stack that has sunk: preview lists what goes on; another plan is refused, and a voyage begun anew leaves the old folder whole", async () => {
  const id = await blue.voyageId();
  const mine = again!;
  expect((await mine.preview()).all).toMatch(new RegExp(`Voyage ${id}, which has sunk, goes on: [\\s\\S]*stay done: 1, 2, 3, 4`));
  const other = await writePlan(`${mine.folder}/other`, { repo: mine.repo, tasks: [{ id: "1", run: "echo one > one" }] });
  await mine.configure({ plan: other });
  // Preflight, as the program runs it, makes nothing, so no engine is needed to see what it refuses.
  await expect(preflight({ stack: "blue", plan: other, ships: 1, provider: "harbor", unconfined: false })).rejects.toThrow(
    new RegExp(`which has no commit in common with it[\\s\\S]*pulumi config set ocaptain:beginAnew ${id} -s blue`),
  );
  await mine.configure({ beginAnew: id });
  await mine.up();
  expect(await mine.voyageId()).not.toBe(id);
  expect((await mine.until("verified", (s) => s.state === "verified")).tasks.map((task) => task.id)).toEqual(["1"]);
  expect(existsSync(`${mine.voyage.root}.${id}/repo.git`)).toBe(true);
});
