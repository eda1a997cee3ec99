import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { noOwnNetwork } from "./own-network.ts";
import { openTailnetVoyage, type TailnetVoyage } from "./tailnet-voyage.ts";

const why = noOwnNetwork();
let quay: TailnetVoyage;
beforeAll(async () => {
  if (!why) quay = await openTailnetVoyage();
}, 600_000);
afterAll(() => quay?.close());

test.skipIf(why)(`a ship joins, and is reached by ssh${why ? ` (${why})` : ""}`, async () => {
  const { outs, seconds } = await quay.join("ship-0");
  writeFileSync("/tmp/tx/join", JSON.stringify({ seconds, outs }));
  expect(outs).toMatchObject({ user: "sprite", address: expect.stringMatching(/^100\./) });
  expect(await quay.ssh("ship-0", "id -un; hostname")).toBe(`sprite\n${quay.spriteName("ship-0")}`);
});
