import { mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ownProject } from "../../cli/sail/own-project.ts";
import { projectAround, projectOf } from "../../cli/sail/project.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import { BIN } from "../support/ocaptain.ts";

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "oi-")));
  process.env.OCAPTAIN_HOME = join(folder, "h");
  process.env.OCAPTAIN_VOYAGES = join(folder, "v");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const init = (...args: string[]) => execa(BIN, ["init", ...args], { cwd: folder, reject: false, stdin: "ignore" });

test("init makes a project and a plan that can sail, says what comes next, and leaves them as they are when it is typed again", async () => {
  const { exitCode, stdout } = await init("mine");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/\nnext:\n {2}cd mine\n {2}npm install '.*'\n {2}ocaptain sail plans\/example {2}#/);
  const project = join(folder, "mine");
  expect(await readFile(join(project, ".gitignore"), "utf8")).toContain(".env\n");
  await execa("git", ["init", "-q"], { cwd: project });
  const plan = join(project, "plans", "example");
  expect(await loadPlan(plan, {})).toMatchObject({ plan: { name: "example", width: 2 }, warnings: [] });
  // Where npm installs ocaptain, an editor finds what explains the files.
  await mkdir(join(project, "node_modules"));
  await symlink(PROJECT, join(project, "node_modules", "ocaptain"));
  for (const file of ["voyage.json", "tasks/1.json"]) {
    const { $schema } = JSON.parse(await readFile(join(plan, file), "utf8"));
    expect(JSON.parse(await readFile(join(plan, file, "..", $schema), "utf8"))).toHaveProperty("properties.$schema");
  }
  await rm(join(project, "node_modules"), { recursive: true });
  await writeFile(join(project, "plans", "example", "spec.md"), "# Mine\n");
  await writeFile(join(project, ".gitignore"), "dist\n.env\n");
  const again = JSON.parse((await init("mine", "--json")).stdout);
  expect(again).toMatchObject({ written: [], left: expect.arrayContaining(["index.ts", "plans/example/spec.md"]) });
  expect(again.todo[0]).toBe("printf '%s\\n' 'node_modules/' 'stacks/Pulumi.*.yaml' >> .gitignore");
  expect(await readFile(join(project, "plans", "example", "spec.md"), "utf8")).toBe("# Mine\n");
});

test.each([
  ["Pulumi.yaml", "name: shop\nruntime: go\n", "a Pulumi.yaml of another project"],
  ["index.ts", "console.log(1);\n", "an index.ts of another program"],
  ["package.json", "{}", 'a package.json without "type": "module", which the program needs'],
])("init refuses a folder whose %s would stand in its way, before it writes anything", async (name, text, why) => {
  await writeFile(join(folder, name), text);
  const { exitCode, stderr } = await init();
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`has ${why}, and nothing is overwritten\n  hint: ocaptain init voyages`);
  expect(await readdir(folder)).toEqual([name]);
});

test("a voyage is sailed from the nearest project with ocaptain at or above a folder, and from no other program's", async () => {
  await init("mine");
  const inner = join(folder, "mine", "plans", "example");
  expect(projectAround(inner)).toBe(join(folder, "mine"));
  await writeFile(join(inner, "Pulumi.yaml"), "name: other\nruntime: go\n");
  expect(projectAround(inner)).toBe(join(folder, "mine"));
  expect(projectAround(folder)).toBeUndefined();
  expect(projectAround(join(PROJECT, "tailnet-policy"))).toBe(resolve(PROJECT));
});

test("a project that ocaptain keeps for itself is brought up to date each time that it is asked for", async () => {
  const own = await ownProject();
  expect(own).toBe(join(folder, "h", "project"));
  const link = join(own, "node_modules", "ocaptain");
  await rm(link);
  await symlink("/gone", link);
  await writeFile(join(own, "start.mjs"), "");
  await ownProject();
  expect(await readlink(link)).toBe(PROJECT);
  expect(await readFile(join(own, "start.mjs"), "utf8")).toContain('from "ocaptain"');
  expect(await readFile(join(own, "Pulumi.yaml"), "utf8")).toMatch(/^stackConfigDir: \.\.\/stacks$/m);
});

test("a voyage whose project is gone is not sailed from another one, and the way out is said", async () => {
  const project = join(folder, "was");
  const voyage = { stack: "quay", sailedFrom: { project } };
  await expect(projectOf(voyage)).rejects.toMatchObject({
    code: "PROJECT_GONE",
    message: expect.stringContaining(project),
    hint: expect.stringContaining("ocaptain sail PLAN --name quay"),
  });
  await mkdir(project);
  await writeFile(join(project, "Pulumi.yaml"), "name: ocaptain\n");
  expect(await projectOf(voyage)).toBe(project);
});
