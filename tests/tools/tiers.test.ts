import { readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, test } from "vitest";
import { onDemand } from "../../tools/setup/parts.mjs";
import { tiers } from "../../tools/tiers.ts";

test("every test file is in the folder of a tier, so that npm test runs it", () => {
  const root = join(import.meta.dirname, "..");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".test.ts"));
  expect(files.filter((file) => !tiers.some((tier) => file.startsWith(tier.name + sep)))).toEqual([]);
});

/** CI has 90 minutes, of which a set-up from nothing takes 5 on a quiet machine. A tier that is at its budget hangs, or has a machine half as fast. */
test("the budgets of all tiers together stay within 82 minutes", () => {
  expect(tiers.reduce((sum, tier) => sum + tier.budgetMinutes, 0)).toBeLessThanOrEqual(82);
});

test("what a tier has made first are parts of set-up that not everybody needs", () => {
  const known = onDemand.map((part) => part.name);
  for (const { parts = [] } of tiers) expect(known).toEqual(expect.arrayContaining(parts));
});
