import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { planFormat } from "../../tools/plan-format.ts";

test("the JSON Schemas, and the tables of fields in docs/plans.md, are those of lib/plan/schema.ts: node tools/plan-format.ts", () => {
  for (const [name, text] of Object.entries(planFormat()))
    expect(readFileSync(join(import.meta.dirname, "..", "..", name), "utf8"), name).toBe(text);
});
