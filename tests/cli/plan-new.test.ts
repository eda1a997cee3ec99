import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addTask } from "../../cli/plan/add-task.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import { ocaptainHere } from "../support/ocaptain-here.ts";
import { diamond, writePlan, writeRepo } from "../support/plan.ts";

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "opn-")));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("plan new makes a plan that check --strict lets pass, add grows it, and neither overwrites or breaks anything", async () => {
  const plan = join(folder, "plans", "census");
  const outside = await ocaptainHere("plan", "new", plan);
  expect(outside).toMatchObject({ exitCode: 1, stdout: "" });
  expect(outside.stderr).toMatch(/lies in no repository.*\n {2}hint: ocaptain plan new .* --repo owner\/name/);
  await writeRepo(folder);
  const made = JSON.parse((await ocaptainHere("plan", "new", plan, "--json")).stdout);
  expect(made.written).toEqual(expect.arrayContaining(["spec.md", "verify.sh", "voyage.json", "tasks/1.json"]));
  expect((await execa("bash", ["-c", `test -x ${join(plan, "verify.sh")}`])).exitCode).toBe(0);
  expect((await ocaptainHere("plan", "new", plan)).stderr).toMatch(/has files in it, and nothing is overwritten/);

  const added = await ocaptainHere(
    "plan",
    "add",
    plan,
    "Bind it",
    "--after",
    "2,#3",
    "--check",
    "test -s all.txt",
    "--touches",
    "all.txt",
  );
  expect(added.exitCode).toBe(0);
  const task = { id: "4", subject: "Bind it", description: "Bind it", blockedBy: ["2", "3"] };
  expect(JSON.parse(added.stdout)).toEqual({ ...task, metadata: { check: "test -s all.txt", touches: ["all.txt"] } });
  expect(await readFile(join(plan, "tasks", "4.json"), "utf8")).toBe(`${added.stdout}\n`);
  const { stdout, exitCode } = await ocaptainHere("plan", "check", plan, "--strict");
  expect({ stdout, exitCode }).toEqual({ stdout: "can sail: 4 tasks, nothing is wrong", exitCode: 0 });
});

test("add brings the other files in line where they say what it changes, and refuses what would break the plan", async () => {
  const plan = await writePlan(join(folder, "plan"), { repo: "https://example.org/r.git", tasks: diamond(4) });
  const { changed } = await addTask(plan, "plan", { subject: "After all", description: "…", blockedBy: ["4", "4"] });
  expect(changed.map(({ file, field }) => `${file} ${field}`)).toEqual(["tasks/4.json blocks", "voyage.json total_tasks"]);
  expect(await loadPlan(plan)).toMatchObject({ plan: { tasks: [{}, {}, {}, { blocks: ["5"] }, { id: "5", blockedBy: ["4"] }] } });
  const add = (more: object) => addTask(plan, "plan", { subject: "S", description: "", blockedBy: [], ...more });
  await expect(add({ blockedBy: ["9"] })).rejects.toThrow(/nothing was added: plan plan has no task 9/);
  await expect(add({ subject: " " })).rejects.toThrow(/nothing was added: subject must not be empty/);
  await expect(add({ touches: ["../x"] })).rejects.toThrow(/nothing was added: metadata\.touches\[0\] /);
  await expect(add({ check: "if true" })).rejects.toThrow(/nothing was added: --check: bash cannot read it/);
  const schema = "node_modules/ocaptain/plans/schema";
  await mkdir(join(folder, schema), { recursive: true });
  const { text } = await addTask(plan, "plan", { subject: "S", description: "", blockedBy: [] });
  expect(JSON.parse(text).$schema).toBe(`../../${schema}/task.json`);
  await mkdir(join(plan, "tasks"), { recursive: true });
  await writeFile(join(plan, "tasks", "7.json"), "{");
  await expect(add({})).rejects.toThrow(/nothing was added, as plan plan is broken: tasks\/7\.json/);
});
