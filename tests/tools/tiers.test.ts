import { readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, test } from "vitest";
import { onDemand } from "../../tools/setup/parts.mjs";
import { besideEachOther, choose } from "../../tools/test.ts";
import { FILES_AT_ONCE, type Tier, tiers } from "../../tools/tiers.ts";

test("every test file is in the folder of a tier, so that npm test runs it", () => {
  const root = join(import.meta.dirname, "..");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".test.ts"));
  expect(files.filter((file) => !tiers.some((tier) => file.startsWith(tier.name + sep)))).toEqual([]);
});

/**
 * The limit comes from CI, which has 90 minutes, of which a set-up from nothing takes 5 on a quiet machine. A tier that
 * reaches its budget hangs, or has a machine half as fast. Each tier that shares the machine takes its part of it, by
 * the number of its files that run at the same time.
 */
test("all tiers end within 82 minutes, each at its budget", async () => {
  let now = 0;
  /** The ends of the tiers that run, which come one after the other. */
  const ends: { at: number; end: () => void }[] = [];
  const run = (tier: Tier) => new Promise<void>((end) => ends.push({ at: now + tier.budgetMinutes, end }));
  const shared = besideEachOther(
    FILES_AT_ONCE,
    tiers.filter((tier) => tier.shares),
    run,
  );
  while (ends.length > 0) {
    const next = ends.sort((a, b) => b.at - a.at).pop()!;
    now = next.at;
    next.end();
    await new Promise(setImmediate);
  }
  await shared;
  const alone = tiers.filter((tier) => !tier.shares).reduce((sum, tier) => sum + tier.budgetMinutes, 0);
  expect(alone + now).toBeLessThanOrEqual(82);
});

test("a tier that would leave a core idle shares the machine", () => {
  expect(tiers.filter((tier) => tier.filesAtOnce === 1 && !tier.shares)).toEqual([]);
});

test("tiers that share the machine run in their order, each when there is room for its files", async () => {
  const seen: string[] = [];
  const ends: Record<string, () => void> = {};
  const tier = (name: string, filesAtOnce: 1 | 2) => ({ name, filesAtOnce });
  const all = besideEachOther(3, [tier("a", 2), tier("b", 1), tier("c", 2), tier("d", 1)], ({ name }) => {
    seen.push(name);
    return new Promise<void>((end) => {
      ends[name] = end;
    });
  });
  const end = async (name: string) => {
    ends[name]!();
    await new Promise(setImmediate);
    return seen.join("");
  };
  expect(seen).toEqual(["a", "b"]);
  expect(await end("b")).toBe("ab");
  expect(await end("a")).toBe("abcd");
  await end("c");
  await end("d");
  await all;
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
