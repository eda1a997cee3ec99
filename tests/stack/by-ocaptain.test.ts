import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../lib/base/free-port.ts";
import { stopHarbor } from "../../lib/daemons/harbor.ts";
import { stopHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { preflight } from "../../lib/preflight/preflight.ts";
import { BIN } from "../support/ocaptain.ts";
import { diamond, writePlan, writeRepo } from "../support/plan.ts";
import { pulumiEnvironment } from "../support/pulumi-environment.ts";
import { openTerm } from "../support/term.ts";

/** A voyage that is sailed and sunk by `ocaptain` from other folders, in a shell that has no tool of ours on PATH. */
const ROOT = resolve(import.meta.dirname, "../..");

let folder: string;
let project: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ob-"));
  project = join(folder, "mine");
  const ours = {
    OCAPTAIN_HOME: join(folder, "h"),
    OCAPTAIN_VOYAGES: join(folder, "v"),
    OCAPTAIN_HELM_PORT: String(await freePort()),
  };
  Object.assign(process.env, ours);
  env = { ...pulumiEnvironment(folder), ...ours, HOME: join(folder, "home"), PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
  // Set-up's tools are the machine's, and not in the home of this test.
  if (process.env.OCAPTAIN_TOOLS) env.OCAPTAIN_TOOLS = process.env.OCAPTAIN_TOOLS;
  await mkdir(join(folder, "home"));
  expect((await ocaptain(folder, "init", "mine")).exitCode).toBe(0);
  await link(project);
  const repo = await writeRepo(join(folder, "repo"));
  await writePlan(join(project, "plan"), { repo, tasks: diamond(4) });
});
afterAll(async () => {
  await stopHelm().catch(() => {});
  await stopHarbor().catch(() => {});
  await rm(folder, { recursive: true, force: true });
});

const ocaptain = (cwd: string, ...args: string[]) =>
  execa(BIN, args, { cwd, env, extendEnv: false, reject: false, stdin: "ignore", timeout: 120_000 });
const pulumi = (cwd: string, ...args: string[]) =>
  execa("pulumi", [...args, "--non-interactive", "--color", "never"], {
    cwd,
    env: { ...env, PATH: process.env.PATH! },
    all: true,
    reject: false,
    timeout: 120_000,
  });

/** What `npm install` of the checkout would do. */
async function link(folder: string): Promise<void> {
  await mkdir(join(folder, "node_modules", "@pulumi"), { recursive: true });
  await symlink(ROOT, join(folder, "node_modules", "ocaptain"));
  await symlink(join(ROOT, "node_modules", "@pulumi", "pulumi"), join(folder, "node_modules", "@pulumi", "pulumi"));
}

test("a no at the question leaves nothing made; Ctrl-C on a sail under way ends it with 130, and nothing is pending in state", async () => {
  const plan = join(project, "plan");
  const term = await openTerm({ cols: 80, rows: 50 });
  try {
    const sail = (options: string) => term.enter(`clear; ${BIN} sail ${plan} -n 2 ${options}; echo "status $?"`);
    const variables = Object.entries(env).map(([name, value]) => `export ${name}='${value}'`);
    await writeFile(join(folder, "shell"), variables.join("\n"));
    await term.enter(`. ${folder}/shell; cd ${project}`);
    await sail("");
    await term.sees(/What sails as voyage voyage-plan:[\s\S]*Sail voyage-plan\? \[y\/N\]/, 60_000);
    expect(await term.broken()).toEqual([]);
    await term.enter("n");
    await term.sees(/nothing has sailed, and nothing was changed\s+status 1/);
    expect(existsSync(join(project, "stacks", "Pulumi.voyage-plan.yaml"))).toBe(false);
    expect(existsSync(join(folder, "v", "voyage-plan"))).toBe(false);
    expect((await pulumi(project, "stack", "ls", "--all")).all).not.toContain("voyage-plan");
    await sail("--yes");
    await term.sees(/✓ Muster +muster +made/, 60_000);
    await term.press("C-c");
    await term.sees(/status 130/, 60_000);
  } finally {
    await term.close();
  }
  const { stdout } = await pulumi(project, "stack", "export", "-s", "voyage-plan");
  expect(JSON.parse(stdout).deployment).not.toHaveProperty("pending_operations");
});

test("`ocaptain sail` of a plan sails it from the user's project, and says what comes next", async () => {
  const sailed = await ocaptain(project, "sail", "./plan", "-n", "2", "--yes", "--no-telemetry");
  expect(sailed).toMatchObject({ exitCode: 0 });
  expect(readFileSync(join(project, "stacks", "Pulumi.voyage-plan.yaml"), "utf8")).toMatch(/ocaptain:telemetry: "?false"?\n/);
  expect(sailed.stdout).toMatch(/^voyage-plan is \w+: \d+ \w+.*\n {2}ocaptain (status|clone) voyage-plan/);
  const said = sailed.stderr.split("What sails as voyage voyage-plan:");
  expect(said).toHaveLength(2);
  expect(said[1]).toMatch(/^\s+plan +small \(.*\): 4 tasks[\s\S]*ships +2, at the harbor[\s\S]*✓ Sprite +ship-0 +made/);
  expect(sailed.stderr).not.toContain("next:");
  const { id } = JSON.parse((await ocaptain("/", "status", "voyage-plan", "--json")).stdout);
  await expect.poll(async () => (await helmClient().voyage(id)).state, { timeout: 90_000, interval: 200 }).toBe("verified");
});

test("`ocaptain sail voyage` from any folder, and `pulumi up` of the same stack, change nothing", async () => {
  const again = await ocaptain("/", "sail", "voyage-plan", "--yes", "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ voyage: "voyage-plan", project, changes: { same: 17 } });
  expect((await pulumi(project, "up", "-s", "voyage-plan", "--yes", "--skip-preview")).all).toMatch(/\n +17 unchanged/);
});

test("a run of the stack from a project without its settings is refused, and says where they are", async () => {
  // So such a run begins: without a plan in its settings.
  const elsewhere = preflight({ stack: "voyage-plan", plan: "", provider: "harbor", unconfined: false });
  await expect(elsewhere).rejects.toMatchObject({
    code: "PREFLIGHT",
    message: expect.stringMatching(/stacks\/Pulumi\.voyage-plan\.yaml, from [\s\S]*hint: ocaptain sail voyage-plan$/),
  });
});

test("`ocaptain sink` without a terminal wants --force; with it the fleet goes, and it says where the work is", async () => {
  const asked = await ocaptain("/", "sink", "voyage-plan");
  expect(asked).toMatchObject({ exitCode: 2, stdout: "" });
  expect(asked.stderr).toMatch(/voyage-plan {2}verified {2}4\/4 tasks accepted {2}2 ships/);
  const sunk = await ocaptain("/", "sink", "voyage-plan", "-f");
  expect(sunk).toMatchObject({ exitCode: 0 });
  expect(sunk.stdout).toMatch(
    /^voyage-plan has sunk: the provider, the sync daemon and the helm have nothing left of it\n {2}its work: .*voyage-plan\/workspace/,
  );
  expect(JSON.parse(await readFile(join(folder, "v", "voyage-plan", "voyage.json"), "utf8")).sunkAt).toBeTruthy();
  expect(JSON.parse((await ocaptain("/", "sink", "--all", "-f", "--json")).stdout)).toEqual({ sunk: [], failed: [] });
});
