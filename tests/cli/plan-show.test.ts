import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asDot, asMermaid, asSvg } from "../../cli/plan/drawings.ts";
import { viewGraph } from "../../cli/plan/graph-view.ts";
import { ocaptainHere } from "../support/ocaptain-here.ts";
import { diamond, writePlan } from "../support/plan.ts";

let folder: string;
let plan: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ops-"));
  // The repository is not there: a graph can be seen all the same.
  plan = join(folder, "plan");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("plan show: waves, the critical path, the time with 1, 2, … ships, and the number that is worth it", async () => {
  const tasks = diamond(5).map((task) => ({ ...task, metadata: { estimateMinutes: task.id === "3" ? 20 : 10 } }));
  await writePlan(plan, { repo: "./nowhere", tasks });
  const { stdout, stderr, exitCode } = await ocaptainHere("plan", "show", plan);
  expect({ stderr, exitCode }).toEqual({ stderr: `next: ocaptain sail ${plan} -n 2`, exitCode: 0 });
  expect(stdout.split("\n").map((line) => line.trimEnd())).toEqual(
    [
      "small: 5 tasks in 3 waves, at most 3 at a time",
      "critical path (*): 3 tasks, 40 minutes: #1 → #3 → #5",
      "",
      "WAVE   TASK  SUBJECT  MINUTES  AFTER",
      "1     *#1    Task 1   10",
      "2      #2    Task 2   10       #1",
      "      *#3    Task 3   20       #1",
      "       #4    Task 4   10       #1",
      "3     *#5    Task 5   10       #2 #3 #4",
      "",
      "SHIPS  TIME        GAIN",
      "1      60 minutes",
      "2      40 minutes  33 %  ← recommended",
      "",
      "2 ships are worth it: past that another one gains less than 5 %, by the plan's estimateMinutes.",
    ].map((line) => line),
  );
});

test("plan show says that tasks may be in conflict, where they write the same at the same time, and that its times leave that out", async () => {
  const tasks = diamond(4).map((task) => ({ ...task, metadata: { touches: ["README.md"] } }));
  await writePlan(plan, { repo: "./nowhere", tasks });
  const { stderr } = await ocaptainHere("plan", "show", plan);
  expect(stderr).toMatch(
    /^1 task writes files that others may write at the same time: .* may be in conflict, which these times leave out; .*\n {2}hint: ocaptain plan check /,
  );
});

test("plan show --json and --svg; a plan whose graph is broken is refused with the command that tells all of it", async () => {
  await writePlan(plan, { repo: "./nowhere", tasks: diamond(4) });
  const picture = join(folder, "plan.svg");
  const { stdout } = await ocaptainHere("plan", "show", plan, "--json", "--svg", picture);
  expect(JSON.parse(stdout)).toMatchObject({
    waves: [["1"], ["2", "3"], ["4"]],
    width: 2,
    criticalPath: { tasks: ["1", "2", "4"], length: 3 },
    unit: "turns",
    estimates: { fromPlan: "none", others: "equal" },
    ships: [
      { ships: 1, makespan: 4, gain: null, recommended: false },
      { ships: 2, makespan: 3, gain: 0.25, recommended: true },
    ],
    recommended: 2,
    followsTouches: true,
    overlapping: [],
  });
  expect(await readFile(picture, "utf8")).toMatch(/^<svg .*#4 Task 4.*<\/svg>\n$/s);
  await rm(join(plan, "tasks", "1.json"));
  const broken = await ocaptainHere("plan", "show", plan);
  expect(broken).toMatchObject({ exitCode: 1, stdout: "" });
  expect(broken.stderr).toMatch(/there is no task "1"\n {2}hint: ocaptain plan check .*plan$/);
  expect((await ocaptainHere("plan", "show", plan, "--dot", "--mermaid")).exitCode).toBe(2);
});

test("nothing in a subject is a part of the picture", () => {
  const evil = `"]; a --> b["<script>alert(1)</script>\u001b[31m\\"`;
  const task = (id: string, blockedBy: string[]) => ({ id, subject: evil, description: "", blocks: [], blockedBy, metadata: {} });
  const view = viewGraph('a "plan" <b>', [task("1", []), task("2", ["1"])]);
  expect(asMermaid(view).split("\n")).toEqual([
    "flowchart LR",
    expect.stringMatching(/^ {2}t1\["[\p{L}\p{N} #;]+"\]$/u),
    expect.stringMatching(/^ {2}t2\["[\p{L}\p{N} #;]+"\]$/u),
    "  t1 --> t2",
    "  classDef critical stroke-width:3px",
    "  class t1,t2 critical",
  ]);
  const dot = asDot(view);
  for (const line of dot.split("\n").slice(2, -1)) expect(line).toMatch(/^ {2}("([^"\\]|\\.)*"|[\w ,=\][>;-])+;$/);
  expect(dot).toContain('"1" -> "2";');
  for (const bad of ["<script>", "<b>", "\u001b"]) expect(asSvg(view)).not.toContain(bad);
});
