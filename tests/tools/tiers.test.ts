import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tiers } from "../../tools/tiers.ts";

test("every folder of tests is a tier, so that npm test runs it", () => {
  const root = join(import.meta.dirname, "..");
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== "setup");
  const unknown = folders.map((folder) => folder.name).filter((name) => !tiers.some((tier) => tier.name === name));
  expect(unknown).toEqual([]);
});

test("the budgets of all tiers together stay within 30 minutes", () => {
  expect(tiers.reduce((sum, tier) => sum + tier.budgetMinutes, 0)).toBeLessThanOrEqual(30);
});
