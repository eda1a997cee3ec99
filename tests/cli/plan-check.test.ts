import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lineOf } from "../../cli/plan/lines.ts";
import { ocaptainHere } from "../support/ocaptain-here.ts";
import { diamond, writePlan, writeRepo } from "../support/plan.ts";

let folder: string;
let plan: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "opc-"));
  const repo = await writeRepo(join(folder, "repo"));
  plan = await writePlan(join(folder, "plan"), {
    repo,
    tasks: diamond(4).map((task) => ({ ...task, metadata: { check: "true" } })),
  });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const edit = async (name: string, change: (text: string) => string) =>
  writeFile(join(plan, name), change(await readFile(join(plan, name), "utf8")));

test("plan check finds all that is wrong at once, with file, line and field; the repository too, though tasks are broken", async () => {
  await edit("tasks/1.json", (text) => text.replace('"rehearsal"', '"chekc": "true",\n    "rehearsal"'));
  await edit("tasks/2.json", (text) => text.replace('"blockedBy": [\n    "1"', '"blockedBy": [\n    "1",\n    "9"'));
  await edit("tasks/3.json", (text) => text.replace('"status"', 'status"'));
  await edit("verify.sh", (text) => `${text}if true; then\r\n`);
  await edit("voyage.json", (text) => text.replace(/"repo": ".*"/, '"repo": "./nowhere"'));
  const { stdout, exitCode } = await ocaptainHere("plan", "check", plan);
  expect(exitCode).toBe(1);
  expect(stdout.replaceAll(`${plan}/`, "").split("\n")).toEqual([
    "tasks/1.json:13: error: metadata.chekc unknown; did you mean check?",
    expect.stringMatching(/^tasks\/2\.json:12: error: blockedBy\[1\] there is no task "9"$/),
    expect.stringMatching(/^tasks\/3\.json:6: error: line 6, column 3: /),
    expect.stringMatching(/^verify\.sh:4: error: must not hold carriage returns/),
    expect.stringMatching(/^voyage\.json:3: error: repo repository ".*nowhere".* there is no such folder/),
    expect.stringMatching(/^ {4}hint: correct ocaptain:repo, or repo in/),
    "cannot sail: 2 tasks, 5 errors",
  ]);
});

test("a plan that sails passes; with --json each finding has its place, and a base that is not there is one", async () => {
  const { stdout, stderr, exitCode } = await ocaptainHere("plan", "check", plan);
  expect({ stdout, exitCode }).toEqual({ exitCode: 0, stdout: "can sail: 4 tasks, nothing is wrong" });
  expect(stderr).toBe(`next: ocaptain plan show ${plan}; ocaptain sail ${plan}`);
  const json = await ocaptainHere("plan", "check", plan, "--base", "mian", "--json");
  expect(json).toMatchObject({ exitCode: 1, stderr: "" });
  const { findings, ...rest } = JSON.parse(json.stdout);
  expect(rest).toEqual({ folder: plan, ok: false, strict: false, errors: 1, warnings: 0 });
  expect(findings).toEqual([
    {
      severity: "error",
      file: "voyage.json",
      line: 3,
      field: "repo",
      message: expect.stringMatching(/^ocaptain:base is "mian".*did you mean main\?$/),
      hint: expect.stringContaining("ocaptain:base"),
    },
  ]);
});

test("the line of a field is its own, or that of the nearest thing around it that is there", () => {
  const text = `{
  "metadata": {
    "claude": {
      "model": 7
    }
  },
  "blocks": [
    "1",
    "2"
  ],
  "x.y": { "z": 1 }
}`;
  const lines = {
    "metadata.claude.model": 4,
    "metadata.claude.effort": 3,
    "blocks[1]": 9,
    "blocks[7]": 7,
    subject: 1,
    "x.y.z": 11,
  };
  for (const [field, line] of Object.entries(lines))
    expect([field, lineOf({ file: "tasks/1.json", field, message: "" }, text)]).toEqual([field, line]);
});
