import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkPlan } from "../../cli/plan/check.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import { effectiveTouches, isTouched, touchesOverlap } from "../../lib/plan/touches.ts";
import type { Plan, PlanTask } from "../../lib/plan/types.ts";
import { examples, makeExample } from "../../plans/example.mjs";
import { files as taskFiles } from "../../plans/modules/generate.mjs";
import { formatFindings } from "../support/findings.ts";
import { gitIn } from "../support/git.ts";
import { doTask, run } from "./rehearse.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-plan-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function made(name: string): Promise<{ repo: string; plan: Plan }> {
  const repo = mkdtempSync(join(folder, `${name}-`));
  await makeExample(name, repo);
  const loaded = await loadPlan(join(repo, "plan"));
  if ("findings" in loaded) throw new Error(formatFindings(loaded.findings));
  return { repo, plan: loaded.plan };
}

/** Does a task on the commit `tip`, as a ship does that has no more than that, and returns the task's commit. */
function doneOn(repo: string, tip: string, task: PlanTask): string {
  gitIn(repo, "checkout", "--quiet", "--detach", tip);
  doTask(repo, task);
  return gitIn(repo, "rev-parse", "HEAD");
}

/** Merges commits onto the branch at once, which git refuses where one is in conflict with another. */
function merge(repo: string, commits: readonly string[]): string {
  gitIn(repo, "checkout", "--quiet", "main");
  gitIn(repo, "merge", "--quiet", "--no-edit", ...commits);
  return gitIn(repo, "rev-parse", "HEAD");
}

/** The tasks that are done at one time: those that are free, and of several that write one file the first. */
function round(tasks: readonly PlanTask[], done: ReadonlySet<string>): PlanTask[] {
  const free = tasks.filter((task) => !done.has(task.id) && task.blockedBy.every((id) => done.has(id)));
  const given: PlanTask[] = [];
  for (const task of free)
    if (!given.some((other) => touchesOverlap(effectiveTouches(task), effectiveTouches(other)))) given.push(task);
  return given;
}

test("the examples are a plan to read, a large one, and one whose tasks contend for files", () => {
  expect(examples.sort()).toEqual(["commands", "first", "modules"]);
});

describe.each(examples)("the example %s", (name) => {
  test("nothing is found but what is meant; tasks at one time merge, each writes what it says, its check tells done from undone, and verify.sh passes", async () => {
    const { repo, plan } = await made(name);
    const { remarks } = await checkPlan(join(repo, "plan"), { stack: "voyage-example" });
    // It is why this plan is here: its tasks contend for files.
    const meant = name === "commands" ? /^it writes \S+, and so may tasks? / : /^$/;
    expect(remarks.filter(({ message }) => !meant.test(message))).toEqual([]);
    const base = gitIn(repo, "rev-parse", "HEAD");
    expect(run(repo, "bash plan/verify.sh").status).not.toBe(0);
    const done = new Set<string>();
    let tip = base;
    for (let given = round(plan.tasks, done); given.length > 0; given = round(plan.tasks, done)) {
      for (const task of given) expect(run(repo, String(task.metadata.check)).status, `check of ${task.id}`).not.toBe(0);
      const commits = given.map((task) => doneOn(repo, tip, task));
      for (const [i, task] of given.entries()) {
        const changed = gitIn(repo, "diff", "--name-only", tip, commits[i]!).split("\n");
        expect(changed.filter((path) => !isTouched(effectiveTouches(task), path))).toEqual([]);
        done.add(task.id);
      }
      tip = merge(repo, commits);
    }
    expect(done.size).toBe(plan.tasks.length);
    expect(run(repo, "bash plan/verify.sh")).toMatchObject({ status: 0 });
    expect(gitIn(repo, "status", "--porcelain")).toBe("");
    expect(gitIn(repo, "diff", "--name-only", base, "HEAD", "--", "plan")).toBe("");
  });
});

test("the tasks of commands that write the same files are in conflict where two ships do them at the same time", async () => {
  const { repo, plan } = await made("commands");
  const commits = plan.tasks.slice(0, 2).map((task) => doneOn(repo, "main", task));
  expect(() => merge(repo, commits)).toThrow(/registry\.mjs/);
});

test("the task files of modules are what generate.mjs writes, and they are more than twenty", () => {
  const tasks = join(import.meta.dirname, "../../plans/modules/tasks");
  expect(readdirSync(tasks).length).toBeGreaterThan(20);
  const written = readdirSync(tasks).map((name): [string, string] => [name, readFileSync(join(tasks, name), "utf8")]);
  expect(new Map(written.sort())).toEqual(new Map([...taskFiles].sort()));
});
