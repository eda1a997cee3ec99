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

/** 30 minutes for the voyage without a model, 14 for the real Claude Code (its own tier, and its share of `stack`), 12 for the tailnet. */
test("the budgets of all tiers together stay within 62 minutes", () => {
  expect(tiers.reduce((sum, tier) => sum + tier.budgetMinutes, 0)).toBeLessThanOrEqual(62);
});

test("what a tier has made first are parts of set-up that not everybody needs", () => {
  const known = onDemand.map((part) => part.name);
  for (const { parts = [] } of tiers) expect(known).toEqual(expect.arrayContaining(parts));
});
