import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { topologicalOrder } from "../../lib/plan/graph.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import type { Plan, PlanTask } from "../../lib/plan/types.ts";
import { formatFindings } from "../support/findings.ts";
import { nobodysEnv as env, gitIn as git } from "../support/git.ts";
import { runs } from "../support/runs.ts";
import { doTask, run } from "./rehearse.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));
const survey = join(project, "plans/survey");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-plan-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function plan(): Promise<Plan> {
  const loaded = await loadPlan(survey);
  if ("findings" in loaded) throw new Error(formatFindings(loaded.findings));
  return loaded.plan;
}

/** Runs the plan's tasks in a clone of `repo`, in an order that the graph allows, and returns the clone's folder. */
function sail(tasks: PlanTask[], repo: string, name: string): string {
  const tree = join(folder, name);
  git(folder, "clone", "--quiet", repo, tree);
  for (const id of topologicalOrder(tasks)) {
    doTask(tree, tasks.find((task) => task.id === id)!);
  }
  return tree;
}

const verify = (tree: string) => run(tree, `bash ${join(survey, "verify.sh")}`);

function tinyRepo(): string {
  const repo = join(folder, "tiny");
  mkdirSync(repo);
  git(repo, "init", "--quiet");
  writeFileSync(join(repo, 'odd "name" <&>.txt'), "no newline, <b>&amp;");
  git(repo, "add", "--all");
  git(repo, "commit", "--quiet", "-m", "only");
  return repo;
}

/** Commits everything in the repository and then makes one part of its survey. */
function part(repo: string, name: string) {
  git(repo, "add", "--all");
  git(repo, "commit", "--quiet", "--allow-empty", "-m", "more");
  for (const tool of ["keel", name])
    execFileSync(process.execPath, [join(survey, "tools", `${tool}.mjs`)], { cwd: repo, env, stdio: "ignore" });
  const found = JSON.parse(readFileSync(join(repo, "survey", `${name}.json`), "utf8"));
  rmSync(join(repo, "survey"), { recursive: true });
  return found;
}

describe("the survey plan", () => {
  test("loads, is as wide as it says, and its task files are what generate.mjs writes", async () => {
    const loaded = await plan();
    expect(loaded.width).toBe(JSON.parse(readFileSync(join(survey, "voyage.json"), "utf8")).max_parallel_width);
    expect(loaded.tasks).toHaveLength(18);
    const { files } = (await import(join(survey, "generate.mjs"))) as { files: Map<string, string> };
    expect(readdirSync(join(survey, "tasks")).sort()).toEqual([...files.keys()].sort());
    for (const [name, text] of files) expect(readFileSync(join(survey, "tasks", name), "utf8"), name).toBe(text);
  });

  // 36 tasks over some 1,000 files are too much for everyday runs.
  test.runIf(runs(1, 0))("surveys this project: every check and verify.sh pass, and two runs give the same bytes", async () => {
    const { tasks } = await plan();
    const base = join(folder, "base");
    git(folder, "clone", "--quiet", project, base);
    const [one, two] = [sail(tasks, base, "one"), sail(tasks, base, "two")];
    const verified = verify(one);
    expect(verified.said).toMatch(/^the survey of ocaptain is whole/);
    expect(git(one, "rev-parse", "HEAD:survey")).toBe(git(two, "rev-parse", "HEAD:survey"));
    const { items } = JSON.parse(readFileSync(join(one, "survey/todos.json"), "utf8"));
    expect(items.filter(({ path }: { path: string }) => /^(tests\/)?plans\//.test(path))).toEqual([]);
  });

  test("a note for later is a comment that begins with the word; texts that speak of such notes are none", async () => {
    const repo = tinyRepo();
    // The words are taken apart, so that a survey of this project does not find them here.
    const lines = [
      "// T-ODO: shorten",
      "x = 1  # F-IXME(ann) later",
      " * H-ACK around it",
      "- [ ] T-ODO paint",
      'const words = "T-ODO|F-IXME";',
      "// Notes for later: T-ODO, F-IXME, H-ACK.",
      'say("No T-ODO left.");',
      "# X-XX, and others",
    ];
    writeFileSync(join(repo, "notes.txt"), `${lines.join("\n").replaceAll(/(?<=\b[TFHX])-/g, "")}\n`);
    const { items } = part(repo, "todos");
    expect(items.map(({ line, kind }: { line: number; kind: string }) => [line, kind])).toEqual([
      [1, "TODO"],
      [2, "FIXME"],
      [3, "HACK"],
      [4, "TODO"],
    ]);
  });

  test("a licence is a file, and not a name in package.json", async () => {
    const repo = tinyRepo();
    writeFileSync(join(repo, "package.json"), '{"license": "MIT"}');
    const first = () => part(repo, "health").checks[0];
    expect(first()).toEqual({ name: "Licence", ok: false, detail: null });
    writeFileSync(join(repo, "LICENSE-MIT"), readFileSync(join(project, "LICENSE")));
    expect(first()).toEqual({ name: "Licence", ok: true, detail: "MIT" });
  });

  test("surveys a repository with one odd file and one commit; verify.sh refuses what is missing, false, broken or out of place", async () => {
    const { tasks } = await plan();
    const good = sail(tasks, tinyRepo(), "good");
    expect(verify(good).said).toMatch(/is whole: 1 files, 1 commits/);
    const damages: [string, string][] = [
      [`sed -i 's/"commits": 1,/"commits": 2,/' survey/history.json`, "months do not add up"],
      ["rm survey/churn.json", "survey/churn.json"],
      ["sed -i 's#</main>##' survey/report.html", "not well-formed"],
      [`sed -i 's#</main>#<img src="http://x/y.png"/></main>#' survey/report.html`, "from outside"],
      [`sed -i 's#</main>#<p>1 < 2</p></main>#' survey/report.html`, "not escaped"],
      ["echo x > y.txt; git add -A; git commit -qm x", "changed outside survey/: y.txt"],
    ];
    for (const [i, [damage, message]] of damages.entries()) {
      const tree = join(folder, `bad-${i}`);
      git(folder, "clone", "--quiet", good, tree);
      execFileSync("bash", ["-c", damage], { cwd: tree, env });
      const verified = verify(tree);
      expect(verified.status, damage).toBe(1);
      expect(verified.said).toContain(message);
    }
  });
});
