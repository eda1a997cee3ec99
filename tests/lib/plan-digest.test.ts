import { rm } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { digestOf } from "../../lib/plan/digest.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import { formatFindings } from "../support/findings.ts";
import { runs } from "../support/runs.ts";
import { folder, REPO, write } from "./plan-home.ts";

test("a plan that is written down and read is the same, and so is its digest", async () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((s) => s.trim() !== "" && !s.includes("\0"));
  const script = text.map((s) => `: '${s.replaceAll(/['\r]/g, "")}'`);
  const free = fc.dictionary(
    fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
    fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value))), // JSON has no -0.
    { maxKeys: 3 },
  );
  const plans = fc.integer({ min: 1, max: 12 }).chain((size) =>
    fc.record({
      name: text,
      spec: text,
      verify: fc.option(script),
      ships: fc.option(fc.integer({ min: 1, max: 1000 })),
      edges: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: size * 2, size: "max" }),
      tasks: fc.array(
        fc.record({
          subject: text,
          description: fc.string(),
          metadata: free.map((x) => ({ x })),
          activeForm: fc.option(fc.string()),
        }),
        { minLength: size, maxLength: size },
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(plans, async ({ name, spec, verify, ships, edges, tasks }) => {
      await rm(folder, { recursive: true, force: true });
      const wanted = tasks.map(({ activeForm, ...rest }, i) => ({
        id: String(i + 1),
        ...rest,
        ...(activeForm === null ? {} : { activeForm }),
        blocks: [...new Set(edges.filter(([a, b]) => a === i && b > i).map(([, b]) => String(b + 1)))],
        blockedBy: [...new Set(edges.filter(([a, b]) => b === i && a < i).map(([a]) => String(a + 1)))],
      }));
      const files = Object.fromEntries(wanted.map((one) => [`tasks/${one.id}.json`, { status: "pending", ...one }]));
      await write({
        "voyage.json": { name, repo: REPO, recommended_ships: ships, total_tasks: wanted.length },
        "spec.md": spec,
        "verify.sh": verify ?? undefined,
        ...files,
      });
      const first = await loadPlan(folder);
      if ("findings" in first) throw new Error(formatFindings(first.findings));
      expect(first.plan).toMatchObject({ name, spec, verify, recommendedShips: ships });
      expect(first.plan.tasks).toEqual(wanted);
      const { digest, ...rest } = first.plan;
      expect(digest).toBe(digestOf(JSON.parse(JSON.stringify(rest))));
    }),
    { numRuns: runs(60, 20) },
  );
}, 60_000);

test("a digest is of what is said, not of the order in which it is said", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
      const turned = Object.fromEntries(Object.entries(record).reverse());
      expect(digestOf(turned)).toBe(digestOf(record));
      expect(digestOf({ ...record, another: 1 })).not.toBe(digestOf({ ...record, another: 2 }));
    }),
  );
});
