import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { topologicalOrder } from "../../lib/plan/graph.ts";
import { loadPlan } from "../../lib/plan/load.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "graphs-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Task = { blocks?: string[]; blockedBy?: string[]; [more: string]: unknown };
type Tasks = Record<string, Task>;

/** Ids of tasks that are there, and now and then one of a task that is not. */
const edges = fc.option(fc.array(fc.constantFrom("1", "2", "3", "4", "5", "6", "9"), { maxLength: 2 }), {
  nil: undefined,
  freq: 2,
});
const slip = fc.option(fc.constantFrom("blockedby", "Subject", "metadata.chekc"), { nil: undefined, freq: 40 });
/** Plans with any edges, of which most are wrong somewhere; and ones with sound edges, in one list or in both. */
const anyTasks: fc.Arbitrary<Tasks> = fc
  .array(fc.record({ blocks: edges, blockedBy: edges, slip }), { minLength: 1, maxLength: 6 })
  .map((tasks) => Object.fromEntries(tasks.map(({ slip, ...lists }, i) => [String(i + 1), withSlip(without(lists), slip)])));
const soundTasks: fc.Arbitrary<Tasks> = fc
  .record({
    pairs: fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 9 }),
    says: fc.array(fc.constantFrom("blocks", "blockedBy", "both"), { minLength: 6, maxLength: 6 }),
  })
  .map(({ pairs, says }) => {
    const tasks: Tasks = Object.fromEntries(says.map((_, i) => [String(i + 1), {}]));
    const add = (at: number, list: "blocks" | "blockedBy", other: number) => {
      const task = tasks[at + 1]!;
      task[list] = [...new Set([...(task[list] ?? []), String(other + 1)])];
    };
    const sound = pairs.filter(([a, b]) => a < b);
    for (const [a, b] of sound) {
      // Where either file has a list of its own for this edge, it names it; and one of the two always does.
      if (says[a] !== "blockedBy" || says[b] === "blocks") add(a, "blocks", b);
      if (says[b] !== "blocks" || says[a] === "blockedBy") add(b, "blockedBy", a);
    }
    for (const [a, b] of sound) {
      if (tasks[a + 1]!.blocks) add(a, "blocks", b);
      if (tasks[b + 1]!.blockedBy) add(b, "blockedBy", a);
    }
    return tasks;
  });

const without = (lists: Task): Task => Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined));
const withSlip = (task: Task, slip: string | undefined): Task =>
  slip === undefined
    ? task
    : slip.startsWith("metadata.")
      ? { ...task, metadata: { [slip.slice(9)]: "true" } }
      : { ...task, [slip]: [] };

let plans = 0;
async function load(tasks: Tasks) {
  const folder = join(root, String(plans++));
  await mkdir(join(folder, "tasks"), { recursive: true });
  const write = (name: string, value: object) => writeFile(join(folder, name), JSON.stringify(value));
  await writeFile(join(folder, "spec.md"), "# S");
  await write("voyage.json", { name: "n", repo: "https://example.org/r.git" });
  for (const [id, task] of Object.entries(tasks)) await write(`tasks/${id}.json`, { subject: "s", description: "d", ...task });
  return loadPlan(folder);
}

/** The pairs "this task must be done before that one" that the files say. */
function said(tasks: Tasks): Set<string> {
  const all = Object.entries(tasks).flatMap(([id, { blocks = [], blockedBy = [] }]) => [
    ...blocks.map((other) => `${id} → ${other}`),
    ...blockedBy.map((other) => `${other} → ${id}`),
  ]);
  return new Set(all);
}

/** Tells whether a finding is true of the files, by what its own words claim. */
function isTrue(tasks: Tasks, { file, field, message }: { file: string; field: string; message: string }): boolean {
  const id = /^tasks\/(\d+)\.json$/.exec(file)?.[1] ?? "";
  const [, list, index] = /^(blocks|blockedBy)\[(\d+)\]$/.exec(field) ?? [];
  const listOf = (task: string, name: string) => tasks[task]?.[name] as string[] | undefined;
  const entry = list === undefined ? undefined : listOf(id, list)?.[Number(index)];
  const [, missing] = /^there is no task "(.*)"$/.exec(message) ?? [];
  if (missing !== undefined) return entry === missing && !(missing in tasks);
  if (message === "names the task itself") return entry === id;
  const [, other = "", mirror = ""] = /^task (\d+) does not name \d+ in its (\w+): the two files disagree$/.exec(message) ?? [];
  if (other) return entry === other && mirror !== list && listOf(other, mirror)?.includes(id) === false;
  const [, way] = /^a cycle, no task of which can start: (.*)$/.exec(message) ?? [];
  if (way !== undefined) {
    const ids = way.split(" → ");
    return ids[0] === ids.at(-1) && ids.slice(1).every((to, i) => said(tasks).has(`${ids[i]} → ${to}`));
  }
  const known: Record<string, string> = { blockedby: "blockedBy", Subject: "subject", "metadata.chekc": "check" };
  return message === `unknown; did you mean ${known[field]}?` && JSON.stringify(tasks[id]).includes(field.split(".").at(-1)!);
}

test("any plan is refused for a reason that is true, or loads with edges that agree and can be worked off", async () => {
  const seen = { refused: 0, loaded: 0 };
  await fc.assert(
    fc.asyncProperty(fc.oneof(anyTasks, soundTasks), async (tasks) => {
      const loaded = await load(tasks);
      if ("findings" in loaded) {
        seen.refused++;
        expect(loaded.findings.filter((finding) => !isTrue(tasks, finding))).toEqual([]);
        expect(loaded.findings.length).toBeGreaterThan(0);
        return;
      }
      seen.loaded++;
      const { tasks: whole } = loaded.plan;
      expect(whole.map(({ id }) => id)).toEqual(Object.keys(tasks));
      expect(new Set(whole.flatMap(({ id, blocks }) => blocks.map((other) => `${id} → ${other}`)))).toEqual(said(tasks));
      expect(new Set(whole.flatMap(({ id, blockedBy }) => blockedBy.map((other) => `${other} → ${id}`)))).toEqual(said(tasks));
      expect(topologicalOrder(whole)).toHaveLength(whole.length);
    }),
    { numRuns: 150 },
  );
  expect(Math.min(seen.refused, seen.loaded)).toBeGreaterThan(20);
});

test("a plan whose files agree and name no circle loads", async () => {
  await fc.assert(
    fc.asyncProperty(soundTasks, async (tasks) => {
      expect(await load(tasks)).toHaveProperty("plan.name", "n");
    }),
    { numRuns: 60 },
  );
});
