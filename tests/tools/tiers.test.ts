import { readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, test } from "vitest";
import { onDemand } from "../../tools/setup/parts.mjs";
import { choose } from "../../tools/test.ts";
import { TIERS_AT_ONCE, type Tier, tiers } from "../../tools/tiers.ts";

test("every test file is in the folder of a tier, so that npm test runs it", () => {
  const root = join(import.meta.dirname, "..");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".test.ts"));
  expect(files.filter((file) => !tiers.some((tier) => file.startsWith(tier.name + sep)))).toEqual([]);
});

/**
 * The limit comes from CI, which has 90 minutes, of which a set-up from nothing takes 5 on a quiet machine. A tier that
 * reaches its budget hangs, or has a machine half as fast. Tiers that share the machine take, in whatever order they
 * run, no longer than half of their sum plus half of the longest.
 */
test("all tiers end within 84 minutes, each at its budget", () => {
  const minutes = (some: Tier[]) => some.map((tier) => tier.budgetMinutes);
  const sum = (some: number[]) => some.reduce((all, one) => all + one, 0);
  const alone = minutes(tiers.filter((tier) => tier.filesAtOnce > 1));
  const shared = minutes(tiers.filter((tier) => tier.filesAtOnce === 1));
  const inLanes = sum(shared) / TIERS_AT_ONCE + Math.max(...shared) * (1 - 1 / TIERS_AT_ONCE);
  expect(sum(alone) + inLanes).toBeLessThanOrEqual(84);
});

test("fast chooses the tiers for everyday use, with the checks; a name that is no tier's is told with those that are", () => {
  expect(choose(["fast"])).toEqual({ chosen: tiers.filter((tier) => tier.fast), checks: true, fast: true });
  expect(choose(["fast", "wire"]).chosen.map((tier) => tier.name)).toEqual(["lib", "plans", "program", "helm", "wire"]);
  expect(choose([])).toEqual({ chosen: tiers, checks: true, fast: false });
  expect(choose(["helm"])).toMatchObject({ checks: false, fast: false });
  expect(() => choose(["helms"])).toThrow("no tier is called helms; there are lib, ");
});

test("what a tier has made first are parts of set-up that not everybody needs", () => {
  const known = onDemand.map((part) => part.name);
  for (const { parts = [] } of tiers) expect(known).toEqual(expect.arrayContaining(parts));
});
