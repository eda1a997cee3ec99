import { afterAll, beforeAll, expect, test } from "vitest";
import { spritePrefix } from "../../lib/naming.ts";
import { diamond } from "../fixtures/plan.ts";
import { type Captain, openCaptain } from "./captain.ts";

let red: Captain;
let blue: Captain;
beforeAll(async () => {
  red = await openCaptain({ stack: "red", tasks: diamond(4), config: { ships: 1 } });
  blue = await openCaptain({ stack: "blue", tasks: diamond(4), config: { ships: 1 }, beside: red });
});
afterAll(async () => {
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
  await blue.destroy();
  expect(await blue.processes()).toEqual([]);
});
