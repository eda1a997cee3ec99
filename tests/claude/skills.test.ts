import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../lib/base/free-port.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { makeExample } from "../../plans/example.mjs";
import { claudeFolder, INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash } from "../support/claude/model.ts";
import { StandInApi, type Turn } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import { makeTree, makeVoyage, ship } from "../support/helm-voyage.ts";
import { BIN } from "../support/ocaptain.ts";

/**
 * The plugin in a real Claude Code, in the repository of a captain; the model is a stand-in that does what the skills
 * say. What a real model makes of them is not told by this.
 */
const ROOT = resolve(import.meta.dirname, "../..");
/** How Claude Code refuses a command for which it would ask, had it somebody to ask. */
const REFUSED = /^Permission to use Bash .*has been denied|requires approval/;
const api = new StandInApi();
let folder: string;
let repo: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oc-skills-"));
  repo = join(folder, "log-book");
  await makeExample("first", repo);
  await api.start();
  Object.assign(process.env, {
    OCAPTAIN_HOME: join(folder, "h"),
    OCAPTAIN_VOYAGES: join(folder, "v"),
    OCAPTAIN_HELM_PORT: String(await freePort()),
  });
  const { OCAPTAIN_HOME, OCAPTAIN_VOYAGES, OCAPTAIN_HELM_PORT } = process.env as Record<string, string>;
  const path = [dirname(BIN), await claudeFolder(), dirname(process.execPath), "/usr/bin", "/bin"];
  env = {
    ...({ OCAPTAIN_HOME, OCAPTAIN_VOYAGES, OCAPTAIN_HELM_PORT } as Record<string, string>),
    PATH: path.join(delimiter),
    HOME: folder,
    ANTHROPIC_BASE_URL: api.url,
    ANTHROPIC_API_KEY: "sk-ant-api03-a-key-of-this-test",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
  };
}, INSTALL_MS + 30_000);
afterAll(async () => {
  await stopHelm().catch(() => {});
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

const claude = (...args: string[]) =>
  execa("claude", args, { cwd: repo, env, extendEnv: false, stdin: "ignore", reject: false, all: true, timeout: 90_000 });

/** Has Claude Code do what `prompt` says. It may write in the repository; what else asks for leave is refused. */
async function session(prompt: string, turns: Turn[], ...args: string[]) {
  const before = api.calls.length;
  api.script = ({ turns: taken }) => turns[taken] ?? { text: "no turn is left" };
  const ran = await claude("-p", prompt, "--model", "opus", "--permission-mode", "acceptEdits", ...args);
  const calls = api.calls.slice(before);
  const [first, last] = [calls[0], calls.at(-1)];
  if (!first || !last) throw new Error(`no model was asked: ${ran.all}`);
  return { said: ran.stdout, exitCode: ran.exitCode, told: first.prompt, results: last.results };
}

test("the real Claude Code finds nothing wrong with marketplace and plugin, which has the package's version, and installs it", async () => {
  for (const part of [ROOT, join(ROOT, "plugin")]) {
    const { exitCode, all } = await claude("plugin", "validate", "--strict", part);
    expect(all).toContain("Validation passed");
    expect(exitCode).toBe(0);
  }
  const version = (file: string) => JSON.parse(readFileSync(join(ROOT, file), "utf8")).version;
  expect(version("plugin/.claude-plugin/plugin.json")).toBe(version("package.json"));
  expect((await claude("plugin", "install", "ocaptain", "--marketplace", ROOT)).all).toContain("Successfully installed");
});

test("/voyage-plan: the model is told what is wanted and how; its plan is checked until it is clean, and nothing else runs unasked", async () => {
  const example = join(ROOT, "plans/first");
  const text = (name: string) => readFileSync(join(example, name), "utf8");
  const names = ["spec.md", "voyage.json", "verify.sh", ...readdirSync(join(example, "tasks")).map((name) => `tasks/${name}`)];
  const write = (name: string, content = text(name)) => ({
    name: "Write",
    input: { file_path: join(repo, "plans/log-book", name), content },
  });
  const slip = text("tasks/3.json").replace('"check"', '"chekc"');
  const { said, told, results } = await session("/voyage-plan the miles of the log, added up", [
    { tools: names.map((name) => (name === "tasks/3.json" ? write(name, slip) : write(name))) },
    bash("ocaptain plan check plans/log-book"),
    { tools: [{ name: "Read", input: { file_path: join(repo, "plans/log-book/tasks/3.json") } }] },
    { tools: [write("tasks/3.json")] },
    bash("ocaptain plan check plans/log-book --strict"),
    bash("ocaptain plan show plans/log-book"),
    bash("ocaptain plan show plans/log-book --svg README.md"),
    bash("ocaptain plan check plans/log-book && node -e 0"),
    bash("ocaptain sail plans/log-book --yes"),
    { text: "ocaptain sail plans/log-book --hand claude -n 2" },
  ]);
  expect(told).toContain("Wanted: the miles of the log, added up");
  expect(told).toContain("ocaptain plan check <folder>");
  const [slipped, , , clean, shown, ...refused] = results.slice(names.length);
  expect(results.slice(0, names.length).filter(({ isError }) => isError)).toEqual([]);
  expect(slipped!.text).toMatch(/tasks\/3\.json:\d+: error: metadata\.chekc .*did you mean check\?/);
  expect(clean).toMatchObject({ isError: false, text: expect.stringContaining("can sail: 4 tasks, nothing is wrong") });
  expect(shown).toMatchObject({ isError: false, text: expect.stringContaining("2 ships are worth it") });
  expect(refused.map(({ isError, text }) => isError && REFUSED.test(text))).toEqual([true, true, true]);
  expect(said).toMatch(/ocaptain sail plans\/log-book --hand claude -n 2$/);
  expect(await loadPlan(join(repo, "plans/log-book"))).toHaveProperty("plan");
  expect(gitIn(repo, "status", "--porcelain")).toBe("?? plans/");
});

test("/voyage-review: a finished voyage's state, tasks and branch are read, and nothing of the branch is run unasked", async () => {
  const loaded = await loadPlan(join(repo, "plan"));
  if ("findings" in loaded) throw new Error("the example is broken");
  const helm = await ensureHelm();
  const [id, stack] = ["abc123", "voyage-log"];
  const plan = { ...loaded.plan, tasks: loaded.plan.tasks.slice(0, 1).map((task) => ({ ...task, blocks: [] })), verify: null };
  const { register } = await makeVoyage(repo, stack, plan);
  await writeVoyageIdentity({ voyageId: id, stack, captainId: "c", nonce: "n", createdAt: new Date().toISOString() });
  await helm.registerVoyage(id, register);
  const { token } = await helm.registerShip(id, "ship-0", "i1");
  const url = `http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}`;
  const calls = ship(url, token, "i1");
  await calls.hello();
  const grant = await calls.grant();
  const tree = makeTree(folder, url, id, "ship-0", token);
  tree.reset((await helm.voyage(id)).tip);
  const commit = tree.commit({ "src/miles.mjs": "export const miles = () => 57;\n" }, "Add up the miles");
  tree.push(commit, grant);
  expect(await calls.accepted(grant, commit, { check: { exitCode: 0, output: "" } })).toMatchObject({ kind: "accepted" });

  const turns = [
    bash(`ocaptain status ${stack} --json`),
    bash(`ocaptain tasks ${stack} --json`),
    bash(`ocaptain clone ${stack} -d ../review`),
    bash("node ../review/bin/report.mjs < log.txt"),
    { tools: [{ name: "Read", input: { file_path: join(folder, "review/src/miles.mjs") } }] },
    { text: "The spec is not met." },
  ];
  const leave = ["--allowedTools", "Bash(ocaptain clone *)", "--add-dir", folder];
  const { said, told, results } = await session(`/voyage-review ${stack} plan`, turns, ...leave);
  expect(told).toContain(`Voyage: ${stack} plan`);
  // A skill that was not asked for takes no room.
  expect(told).not.toContain("voyage-plan");
  const [status, tasks, clone, run, read] = results;
  expect(JSON.parse(json(status!.text))).toMatchObject({ state: "done", name: plan.name });
  expect(JSON.parse(json(tasks!.text)).tasks).toMatchObject([{ id: "1", status: "accepted" }]);
  expect(clone).toMatchObject({ isError: false });
  // The branch was written by agents, and none of it runs here without leave.
  expect(run).toMatchObject({ isError: true, text: expect.stringMatching(REFUSED) });
  expect(read!.text).toContain("export const miles = () => 57;");
  expect(said).toBe("The spec is not met.");
});

/** The JSON in what a tool has said, without what Claude Code adds to it. */
const json = (text: string) => text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1);
