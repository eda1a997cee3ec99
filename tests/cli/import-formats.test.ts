import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readBeads } from "../../cli/plan/import/beads.ts";
import { readLocal } from "../../cli/plan/import/read-source.ts";
import { settle } from "../../cli/plan/import/settle.ts";
import type { Format, Source } from "../../cli/plan/import/shape.ts";
import { OcaptainError } from "../../lib/base/errors.ts";

// The fixtures have the shapes of public files of these formats, in words of our own.
const FIXTURES = join(import.meta.dirname, "..", "fixtures", "imports");
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-import-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Local = Exclude<Format, "github">;
const read = async (from: Local, path: string, options = {}) => (await readLocal(from, join(FIXTURES, path), options)).source;
/** Each task of the plan with those for which it waits, by the ids of the source. */
const edges = (source: Source) => {
  const { tasks } = settle(source);
  const ids = new Map(tasks.map(({ number, task }) => [number, task.id]));
  return Object.fromEntries(tasks.map(({ task, blockedBy }) => [task.id, blockedBy.map((number) => ids.get(number))]));
};
const leftOut = (source: Source) => Object.fromEntries(settle(source).leftOut.map(({ id, status }) => [id, status]));

const SPEC_KIT = "spec-kit/specs/004-tide-tables";

test("spec-kit: phases follow each other, [P] waits for nothing in its phase, and what a text states goes before", async () => {
  const source = await read("spec-kit", SPEC_KIT);
  expect(source.title).toBe("Tide tables");
  expect(leftOut(source)).toEqual({ T001: "done", T002: "done", T003: "done" });
  expect(edges(source)).toEqual({
    T004: [],
    T004a: [],
    T005: ["T004", "T004a"],
    T006: ["T005"],
    T007: ["T006"],
    T008: ["T006"],
    T009: ["T007", "T008"],
    T010: ["T009"],
    T011: ["T010"],
    T012: ["T005", "T006", "T011"],
    T013: ["T012"],
    T014: ["T013"],
  });
  expect(source.tasks.find(({ id }) => id === "T009")).toMatchObject({
    title: "Make the page in `src/pages/(app)/[place]/today.tsx` (depends on T007, T008)",
    touches: ["src/pages/(app)/[place]/today.tsx"],
  });
  const { text } = source.tasks.find(({ id }) => id === "T005")!;
  expect(text).toContain("for a day and a place, in metres");
  expect(text).toContain("Checkpoint: the table can be computed");
  expect(source.notes).toEqual([expect.stringMatching(/tasks\.md:63: a box without a task's number is left out.*real printer/)]);
  expect(source.documents.map(({ text: [head] }) => head)).toEqual(["#", "#", "#"]);
});

test("spec-kit: with --parallel the stories wait for what blocks them, and not for each other", async () => {
  const plan = edges(await read("spec-kit", `${SPEC_KIT}/tasks.md`, { parallel: true }));
  expect(plan).toMatchObject({ T007: ["T006"], T011: ["T006"], T012: ["T005", "T006", "T011"] });
  expect(plan.T013).toEqual(["T010", "T012"]);
});

test("spec-kit: a guess that the file contradicts is not made, and that is said", async () => {
  const list = join(folder, "later.md");
  writeFileSync(
    list,
    "## Phase 1: A\n- [ ] T001 One (depends on T003)\n- [ ] T002 Two\n## Phase 2: B\n- [ ] T003 Three\n- [ ] T004 Four\n",
  );
  const { source } = await readLocal("spec-kit", list, {});
  expect(edges(source)).toEqual({ T001: ["T003"], T002: ["T001"], T003: [], T004: ["T002", "T003"] });
  expect(source.notes).toEqual([expect.stringContaining("T003 does not wait for T002")]);
});

test("paths are told from other words, and what a text says to wait for is read in the ways that people write it", async () => {
  const list = join(folder, "ways.md");
  const ways = [
    "(depends on T001, T002)",
    "Depends on **T001** and `T002`: then",
    "depends on: [T001–T003], T9",
    "no dependencies on T001",
  ];
  const paths =
    "Use src/a.ts, `(app)/[id]/page.tsx` (see lib/b.py). Not /api/v1/x.json, https://x.org/a.md, and/or, ../c.ts, v1.2 or d.ts; but docs/";
  writeFileSync(
    list,
    [
      "## P",
      `- [ ] T001 [P] ${paths}`,
      "- [ ] T002 [P] b",
      "- [ ] T003 [P] c",
      ...ways.map((way, at) => `- [ ] T01${at} [P] x ${way}`),
    ].join("\n"),
  );
  const { source } = await readLocal("spec-kit", list, {});
  expect(source.tasks[0]!.touches).toEqual(["src/a.ts", "(app)/[id]/page.tsx", "lib/b.py", "docs/"]);
  expect(source.tasks.slice(3).map(({ after }) => after)).toEqual([
    ["T001", "T002"],
    ["T001", "T002"],
    ["T001", "T002", "T003"],
    [],
  ]);
});

test("OpenSpec: groups and tasks in order; boxes below a task are part of it; one without a number gets one", async () => {
  const path = "openspec/openspec/changes/add-moorings";
  const source = await read("openspec", path);
  expect(source.title).toBe("Moorings can be booked");
  expect(edges(source)).toEqual({ 1.2: [], 1.3: ["1.2"], 2.1: ["1.3"], 2.2: ["2.1"], "2.u1": ["2.2"], 3.1: ["2.u1"] });
  expect(source.tasks.find(({ id }) => id === "2.1")!.text).toContain("say until when");
  expect(source.documents.map(({ name }) => name.split("add-moorings/")[1])).toEqual(["proposal.md", "specs/harbor-api/spec.md"]);
  const parallel = edges(await read("openspec", path, { parallel: true }));
  expect(parallel).toMatchObject({ 2.1: ["1.2", "1.3"], "2.u1": ["1.2", "1.3"], 3.1: ["2.1", "2.2", "2.u1"] });
});

test("task-master: a task becomes its subtasks, what is deferred is left out, and edges through it stay", async () => {
  const source = await read("task-master", "task-master");
  expect(edges(source)).toEqual({ 2.2: [], 2.3: ["2.2"], 3: ["2.2", "2.3"], 5: ["3"] });
  expect(leftOut(source)).toEqual({ 1: "done", 2.1: "done", 4: "deferred" });
  expect(settle(source).notes).toEqual([expect.stringContaining("5 waits for 4, which is deferred and left out")]);
  expect(source.tasks.find(({ id }) => id === "3")!.touches).toEqual(["src/show.ts"]);
  expect(source.tasks.find(({ id }) => id === "2.2")!.text).toMatch(
    /Read the file once[\s\S]*the last line[\s\S]*Part of 2: Search/,
  );
  expect(Object.keys(edges(await read("task-master", "task-master", { tag: "later" })))).toEqual(["1"]);
});

test("beads: links that block are edges, others are not; an epic becomes its children", async () => {
  const source = await read("beads", "beads/issues.jsonl");
  expect(edges(source)).toEqual({ "quay-a1.2": [], "quay-a1.3": ["quay-a1.2"], "quay-b2": ["quay-a1.2", "quay-a1.3"] });
  expect(source.wholes).toMatchObject([{ id: "quay-a1", parts: ["quay-a1.1", "quay-a1.2", "quay-a1.3"] }]);
  expect(source.notes).toContainEqual(expect.stringContaining("discovered-from"));
  expect(source.tasks[1]).toMatchObject({ estimateMinutes: 90, text: expect.stringContaining("Part of quay-a1: The crane") });
});

test("Backlog.md: a task is found by its id, however another one writes it; the last status of the project is done", async () => {
  const source = await read("backlog", "backlog");
  expect(source.title).toBe("The lighthouse");
  expect(edges(source)).toEqual({ "LIGHT-2.01": [], "LIGHT-2.02": ["LIGHT-2.01"], "LIGHT-3": ["LIGHT-2.01", "LIGHT-2.02"] });
  expect(leftOut(source)).toEqual({ "LIGHT-0": "done", "LIGHT-1": "Lit" });
  expect(settle(source).notes).toEqual(["LIGHT-2.02 waits for LIGHT-9, which is not in the source: that edge is left out."]);
  expect(source.tasks.find(({ id }) => id === "LIGHT-3")!.touches).toEqual(["lamp/lamp.c"]);
});

test("tasks without any link follow each other, as guessed; with --parallel they do not", () => {
  const text = ["a", "b", "c"].map((id) => JSON.stringify({ id, title: id })).join("\n");
  const serial = readBeads({ name: "x", text }, false);
  expect(edges(serial)).toEqual({ a: [], b: ["a"], c: ["b"] });
  expect(serial.guesses).toMatchObject([{ task: "b", after: "a", why: expect.stringContaining("linked") }, {}]);
  const parallel = readBeads({ name: "x", text }, true);
  expect(edges(parallel)).toEqual({ a: [], b: [], c: [] });
  expect(parallel.notes).toEqual([expect.stringContaining("--parallel")]);
});

const LOCAL: Record<string, [Local, string, string, string]> = {
  "a task that stands twice": [
    "spec-kit",
    "tasks.md",
    "## P\n- [ ] T001 a\n- [ ] T001 b\n",
    "tasks.md:3: task T001 stands twice, the first time in line 2",
  ],
  "front matter without an end": ["spec-kit", "tasks.md", "---\na: b\n", "tasks.md:1: its front matter has no end"],
  "no task": ["spec-kit", "tasks.md", "# Nothing\n", "there is no task in it"],
  "a line that is no text of a person": ["openspec", "tasks.md", `- [ ] 1.1 ${"x".repeat(20_001)}`, "tasks.md:1: the line has"],
  "tasks that wait for each other": [
    "spec-kit",
    "tasks.md",
    "- [ ] T001 a, depends on T002\n- [ ] T002 b, depends on T001\n",
    "wait for each other: T001 → T002 → T001",
  ],
  "a box without words": ["openspec", "tasks.md", "- [ ] 1.1 a\n- [ ]  \n", "tasks.md:2: the box has no text"],
  "JSON that ends too early": ["task-master", "tasks.json", '{\n"master": {', "tasks.json: line 2"],
  "a field of another kind": [
    "task-master",
    "tasks.json",
    '{"master": {"tasks": [\n{"id": 1, "title": "a"},\n{"id": 2,\n "title": 7}]}}',
    "tasks.json:4: master.tasks[1].title must be text",
  ],
  "several lists": ["task-master", "tasks.json", '{"a": {"tasks": []}, "b": {"tasks": []}}', "say which list: a, b"],
  "a line that is no JSON": ["beads", "issues.jsonl", '{"id":"a","title":"b"}\n{"id":', "issues.jsonl:2: column"],
  "an issue without a title": ["beads", "issues.jsonl", '{"id":"a"}', "issues.jsonl:1: title is missing"],
};

test.each(Object.entries(LOCAL))("%s is refused, with its place", async (_what, [from, name, text, message]) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  const read = readLocal(from, path, {});
  await expect(read).rejects.toThrow(message);
  await expect(read).rejects.toThrow(OcaptainError);
});

test("a backlog's front matter that is no YAML, or lacks what a task must have, is refused with its line", async () => {
  const tasks = join(folder, "bad", "backlog", "tasks");
  mkdirSync(tasks, { recursive: true });
  const refused = async (text: string) => {
    writeFileSync(join(tasks, "a.md"), text);
    return readLocal("backlog", join(folder, "bad"), {}).then(String, (error: Error) => error.message.replace(/^.*tasks\//, ""));
  };
  expect(await refused("no front matter")).toContain("a.md:1: must begin with front matter");
  expect(await refused("---\nid: A-1\ntitle: [a\n---\n")).toContain("a.md:3: ");
  expect(await refused("---\nid: A-1\ntitle: &a x\nstatus: *a\n---\n")).toMatch(/alias/i);
  expect(await refused("---\nid: A-1\nstatus: 7\n---\n")).toContain("a.md:");
});

test("nothing outside the source's repository is read, whatever links lie in it", async () => {
  const inside = join(folder, "repo", "feature");
  mkdirSync(inside, { recursive: true });
  mkdirSync(join(folder, "repo", ".git"));
  writeFileSync(join(folder, "secret.md"), "# secret\n");
  writeFileSync(join(inside, "tasks.md"), "- [ ] T001 a\n");
  symlinkSync(join(folder, "secret.md"), join(inside, "spec.md"));
  await expect(readLocal("spec-kit", inside, {})).rejects.toThrow(/spec\.md leads out of .*repo, and is not read/);
});

test("a source that is not there is named, with all places where it was looked for", async () => {
  await expect(readLocal("beads", join(folder, "none"), {})).rejects.toThrow(
    /there is no .*none, nor .*none\/\.beads\/issues\.jsonl/,
  );
  expect(readFileSync(join(FIXTURES, "beads", "issues.jsonl"), "utf8")).toContain("quay");
});
