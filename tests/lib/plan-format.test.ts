import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { z } from "zod";
import { PlanFile, TaskFile } from "../../lib/plan/schema.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");
const ajv = new Ajv({ strict: false });
const editor = (name: string): ValidateFunction => ajv.compile(JSON.parse(read(`plans/schema/${name}.json`)));
const [asVoyage, asTask] = [editor("voyage"), editor("task")];

test("each field is explained to an editor", () => {
  const { properties } = JSON.parse(read("plans/schema/task.json"));
  expect(properties.metadata.anyOf[0].properties.tries.description).toBe(
    "Failures after which the task is blocked and shown; at most 100. If left out: 3.",
  );
});

test("an editor and the loader take the plans that are here", () => {
  const files = globSync("{plans/*,tests/fixtures/prior-plans/*}/{voyage,tasks/*}.json", {
    cwd: ROOT,
    exclude: ["plans/schema"],
  });
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) {
    const isVoyage = file.endsWith("voyage.json");
    const value = JSON.parse(read(file));
    expect((isVoyage ? PlanFile : TaskFile).safeParse(value).error, file).toBeUndefined();
    expect((isVoyage ? asVoyage : asTask)(value), file).toBe(true);
  }
});

/** Values that may stand in a field, right ones and wrong ones, and all of them in each field. */
const ODD = [
  null,
  true,
  0,
  1,
  1.5,
  -1,
  101,
  1e9,
  "",
  " ",
  "a",
  "a\0b",
  "a\rb",
  "x".repeat(201),
  "x".repeat(1001),
  [],
  {},
  [1],
  ["1"],
];
const VOYAGE = {
  $schema: ["./schema.json"],
  name: ["a plan"],
  repo: [".", "owner/name", "-x", "a\nb", "ext::sh", "https://u@h/r", "HTTPS://u:p@h/r", "ssh://git@h/r", "ssh://u:p@h/r"],
  recommended_ships: [3, 1000, 1001],
  max_parallel_width: [2],
  total_tasks: ["3"],
  created: ["2026-01-30"],
  timeoutSeconds: [604_800, 604_801, 0.5],
  claude: [
    { model: "opus" },
    { model: "-x" },
    { effort: "low" },
    { effort: "much" },
    { maxTurns: 1, budgetUsd: 0.1, interactive: true },
    { budgetUsd: 0 },
    { budget: 1 },
  ],
  provision: [
    ["npm ci", { run: "make", timeoutSeconds: 5 }],
    [""],
    [{ run: "" }],
    [{ timeoutSeconds: 5 }],
    [{ run: "a", timeout: 5 }],
    [{ run: "a", timeoutSeconds: 3601 }],
    ["a\rb"],
    ["x".repeat(131_071)],
    ["x".repeat(131_072)],
    Array(101).fill("a"),
  ],
  network: [
    ...["a.com", "*.A.com", "*", "1.2.3.4", "999.2.3.4", "::1", "https://a.com", "a_b.com", `${"a".repeat(64)}.com`, "a..b"].map(
      (name) => ({
        allow: [name],
      }),
    ),
    { allow: [], deny: [] },
    {},
  ],
  github: [false],
  x: [{ any: "thing" }],
  nmae: ["a"],
};
const TASK = {
  $schema: ["../schema.json"],
  id: ["1", "0123456789", "one"],
  title: ["Do it"],
  subject: ["Do it"],
  description: ["All of it"],
  activeForm: ["Doing it"],
  status: ["pending", "completed"],
  blocks: [
    ["1", "2"],
    ["1", 2],
  ],
  blockedBy: [["3"]],
  owner: ["ann"],
  updated: [3],
  metadata: [
    { check: "true", rehearsal: "true", timeoutSeconds: 600, tries: 3, ship: "ship-1", voyage: null, x: 1 },
    { check: null, rehearsal: null, timeoutSeconds: null, tries: null, claude: null },
    { chekc: "true" },
    { tries: 0 },
    { estimateMinutes: 0.5, source: "spec-kit:T012", files: [], touches: null },
    { estimateMinutes: 0 },
    ...["T012", "a:b c", `a:${"x".repeat(198)}`, `a:${"x".repeat(199)}`, "a:\u202e", "A:b"].map((source) => ({ source })),
    ...[
      "src/**",
      "./a/",
      "/a",
      "~/a",
      "C:/a",
      "a/../b",
      "..",
      ".",
      "...",
      "a//b",
      "a\\b",
      "!a",
      "{a,b}",
      "**.ts",
      "a\tb",
      "a\u200bb",
    ].map((glob) => ({ touches: [glob], files: ["a", glob] })),
    { touches: Array(101).fill("a") },
    { touches: ["x".repeat(300)] },
    { touches: ["x".repeat(301)] },
    { claude: { interactive: true } },
  ],
};

/** Objects with some of the keys: most values are meant for their key, and some are not. */
const objectsOf = (pool: Record<string, unknown[]>) =>
  fc.record(
    Object.fromEntries(
      Object.entries(pool).map(([key, values]) => [
        key,
        fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: fc.constantFrom(...ODD) }),
      ]),
    ),
    { requiredKeys: [] },
  );

test.each([
  ["voyage.json", VOYAGE, { name: "a" }, PlanFile as z.ZodType, asVoyage],
  ["a task", TASK, { subject: "s", description: "d" }, TaskFile as z.ZodType, asTask],
])("an editor refuses in %s what the loader refuses, and nothing else", (_name, pool, least, schema, validate) => {
  let taken = 0;
  const agree = (value: unknown) => {
    const { success } = schema.safeParse(value);
    if (success) taken++;
    expect(validate(value), `${JSON.stringify(value)}: ${ajv.errorsText(validate.errors)}`).toBe(success);
  };
  agree(least);
  for (const [key, values] of Object.entries(pool)) for (const value of [...values, ...ODD]) agree({ ...least, [key]: value });
  fc.assert(fc.property(objectsOf(pool), agree), { numRuns: 500 });
  for (const value of ODD) agree(value);
  expect(taken).toBeGreaterThan(50);
});
