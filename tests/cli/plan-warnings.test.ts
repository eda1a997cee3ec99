import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fixPlan } from "../../cli/plan/fix.ts";
import { overlaps } from "../../cli/plan/warnings/overlaps.ts";
import { untouchedPaths } from "../../cli/plan/warnings/text-paths.ts";
import { warningsOf } from "../../cli/plan/warnings/warnings.ts";
import { loadPlan, type PlanReading, readPlan } from "../../lib/plan/load.ts";
import { reachOf } from "../../lib/plan/reach.ts";
import { touchesOverlap } from "../../lib/plan/touches.ts";
import type { PlanTask } from "../../lib/plan/types.ts";
import { formatFindings } from "../support/findings.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "opw-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const task = (id: string, more: Partial<PlanTask> = {}): PlanTask => ({
  ...{ id, subject: `Do ${id}`, description: "", blocks: [], blockedBy: [], metadata: { check: "true" } },
  ...more,
});
/** The tasks with their `blocks`, as the loader gives them. */
const linked = (tasks: PlanTask[]) =>
  tasks.map((each) => ({ ...each, blocks: tasks.filter(({ blockedBy }) => blockedBy.includes(each.id)).map(({ id }) => id) }));
const plan = (tasks: PlanTask[], more: Partial<PlanReading> = {}): PlanReading => ({
  ...{
    findings: [],
    warnings: [],
    reach: () => reachOf(linked(tasks)),
    file: null,
    repo: ".",
    spec: "# A census\n\nAll files.\n",
    verify: "true",
  },
  tasks: linked(tasks),
  ...more,
});
const warned = (tasks: PlanTask[], more: Partial<PlanReading> = {}) => formatFindings(warningsOf(plan(tasks, more))).split("\n");

test("a plan that says all that it should is warned of nothing", () => {
  const tasks = [
    task("1", { metadata: { check: "true", touches: ["src/a/**"], estimateMinutes: 30 } }),
    task("2", {
      metadata: { check: "true", touches: ["src/b.ts"] },
      description: "Write src/b.ts, as https://a.example/x/y.html says.",
    }),
    task("3", { blockedBy: ["1", "2"], metadata: { check: "true", touches: ["src/**"] } }),
  ];
  expect(warned(tasks)).toEqual([""]);
});

test("each thing that is probably not meant is warned of, at its place", () => {
  const tasks = [
    task("1", { subject: "Build it", metadata: { touches: ["src/a.ts"], estimateMinutes: 45, check: "true" } }),
    task("2", { subject: "build it ", metadata: { files: ["src/a.ts"], check: "true" } }),
    task("3", { description: "Files: src/*.ts\nAlso edit lib/x.ts, lib/x.ts and ./lib/y.md.", blockedBy: ["2"], metadata: {} }),
    task("4", { blockedBy: ["1", "3"] }),
    task("5"),
  ];
  expect(warned(tasks, { spec: "Some words.\n", verify: null })).toEqual([
    "spec.md: has no heading, and no line Objective: …, and so does not say what the voyage is to reach",
    "verify.sh: is missing: nothing proves the result as a whole",
    "tasks/3.json metadata.check: is missing: what it delivers is accepted without a look at it",
    "tasks/2.json subject: is that of task 1, too",
    "tasks/1.json metadata.estimateMinutes: is 45: more than 30 minutes are better several tasks",
    "tasks/3.json description: names lib/x.ts, lib/y.md, which its metadata.touches does not",
    "tasks/5.json blockedBy: it waits for nothing and nothing waits for it, although task 4 brings others together",
    "tasks/1.json metadata.touches: it writes src/a.ts, and so may tasks 2, 3 at the same time: let one wait for the other",
  ]);
  expect(warned([task("1", { metadata: {} }), task("2", { metadata: {} })])).toEqual([
    "tasks: none has a metadata.check: what they deliver is accepted without a look at it",
  ]);
  expect(warned([task("1")], { spec: "# One\n\n## Two\n" })).toEqual([
    "spec.md: has headings only, and so does not say what the voyage is to reach",
  ]);
});

test("a path in a text is one with a folder and an ending; what a URL or a longer word holds is none", () => {
  const texts = "See https://a.example/b/c.html, (src/a.ts), `src/b.test.ts`. and/or 1/2 v1.2/3 app/[id]/page.tsx a//b.ts";
  const found = untouchedPaths(task("1", { description: texts, metadata: { touches: ["src/a.ts"] } }));
  expect(found.map(({ path }) => path)).toEqual(["src/b.test.ts", "app/[id]/page.tsx"]);
  expect(untouchedPaths(task("1", { description: texts }))).toEqual([]);
});

const names = fc.constantFrom("a", "b", "*", "**", "a*", "?");
const globs = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const plans = fc
  .array(fc.tuple(fc.array(globs, { maxLength: 3 }), fc.array(fc.nat(9), { maxLength: 2 })), { minLength: 1, maxLength: 10 })
  .map((tasks) =>
    tasks.map(([touches, before], i) =>
      task(String(i + 1), {
        metadata: { touches },
        blockedBy: [...new Set(before.filter((other) => other < i).map((other) => String(other + 1)))],
      }),
    ),
  );

test("two tasks overlap where neither waits for the other and their globs meet, as comparing every pair tells", () => {
  fc.assert(
    fc.property(plans, (tasks) => {
      const waits = new Map<string, Set<string>>();
      for (const { id, blockedBy } of tasks)
        waits.set(id, new Set([...blockedBy, ...blockedBy.flatMap((blocker) => [...waits.get(blocker)!])]));
      const pairs = tasks.flatMap((a, i) =>
        tasks.slice(i + 1).flatMap((b) => {
          const apart = !waits.get(b.id)!.has(a.id) && !waits.get(a.id)!.has(b.id);
          const [ofA, ofB] = [a, b].map(({ metadata }) => metadata.touches as string[]);
          return apart && touchesOverlap(ofA!, ofB!) ? [[a.id, b.id].sort().join(" ")] : [];
        }),
      );
      const { found, isWhole } = overlaps(tasks, () => reachOf(tasks));
      expect(isWhole).toBe(true);
      expect(found.flatMap(({ task, others }) => others.map((other) => [task, other].sort().join(" "))).sort()).toEqual(
        pairs.sort(),
      );
    }),
  );
});

test("10,000 tasks that all write one file, and 10,000 that write a folder each, are compared within the time of a test", () => {
  const many = (touches: (i: number) => string[]) =>
    Array.from({ length: 10_000 }, (_, i) => task(String(i + 1), { metadata: { touches: touches(i) } }));
  const same = many(() => ["CHANGELOG.md"]);
  expect(overlaps(same, () => reachOf(same)).found.length).toBeGreaterThan(1);
  const own = many((i) => [`src/m${i}/**`, `tests/m${i}.test.ts`]);
  expect(overlaps(own, () => reachOf(own))).toEqual({ found: [], isWhole: true });
  const wild = many((i) => [`src/*${i}.ts`]);
  expect(overlaps(wild, () => reachOf(wild)).isWhole).toBe(false);
});

const files: Record<string, unknown> = {
  "voyage.json": { name: "x", repo: "https://example.org/r.git", total_tasks: 7, provision: ["make\r\nall", { run: "a\r\n" }] },
  "spec.md": "# X\n\nWords.\n",
  "verify.sh": "#!/bin/sh\r\ntrue\r\n",
  "tasks/1.json": { id: 1, subject: "A", description: "a", blocks: ["3"], metadata: { check: "true\r\n" } },
  "tasks/2.json": { subject: "B", description: "b", blockedBy: [1], x: undefined },
  "tasks/3.json": { id: "3", subject: "C", description: "c", blockedBy: [] },
};

test("--fix mends counts, blocks by blockedBy, line ends and ids, says each, leaves all else as written, and then has nothing to do", async () => {
  await mkdir(join(folder, "tasks"));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, name), typeof content === "string" ? content : JSON.stringify(content, null, 3));
  const spec = await readFile(join(folder, "tasks/3.json"), "utf8");
  expect(formatFindings(await fixPlan(folder)).split("\n")).toEqual([
    'tasks/1.json id: was the number 1, and is now text, "1"',
    "tasks/1.json metadata.check: had carriage returns, which are gone",
    "tasks/1.json blocks: now has 2, as task 2 waits for 1 by its blockedBy; has 3 no more, as task 3 does not wait for 1 by its blockedBy",
    'tasks/2.json blockedBy[0]: was the number 1, and is now text, "1"',
    "voyage.json provision[0]: had carriage returns, which are gone",
    "voyage.json provision[1].run: had carriage returns, which are gone",
    "voyage.json total_tasks: was 7, and is 3, as many as tasks/ holds",
    "verify.sh: had carriage returns, which are gone",
  ]);
  expect(await loadPlan(folder)).toMatchObject({ plan: { tasks: [{ id: "1", blocks: ["2"] }, { blockedBy: ["1"] }, {}] } });
  expect(await readFile(join(folder, "tasks/3.json"), "utf8")).toBe(spec);
  expect(await readFile(join(folder, "tasks/1.json"), "utf8")).toMatch(/^\{\n {3}"id": "1",\n {3}"subject"/);
  expect(await fixPlan(folder)).toEqual([]);
});

test("what has no one right way is left: an edge to no task, a file that is no JSON, a task whose blockers only others name", async () => {
  await mkdir(join(folder, "tasks"));
  const left = {
    "voyage.json": JSON.stringify({ name: "x", repo: "https://example.org/r.git" }),
    "tasks/1.json": JSON.stringify({ id: "1", subject: "A", description: "a", blocks: ["2", "9"] }),
    "tasks/2.json": JSON.stringify({ id: "2", subject: "B", description: "b" }),
    "tasks/3.json": "{",
  };
  for (const [name, content] of Object.entries(left)) await writeFile(join(folder, name), content);
  expect(await fixPlan(folder)).toEqual([]);
  for (const [name, content] of Object.entries(left)) expect(await readFile(join(folder, name), "utf8")).toBe(content);
  expect(formatFindings((await readPlan(folder)).findings)).toContain('there is no task "9"');
});
