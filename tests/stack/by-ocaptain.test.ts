import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../lib/base/free-port.ts";
import { stopHarbor } from "../../lib/daemons/harbor.ts";
import { stopHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { BIN } from "../support/ocaptain.ts";
import { diamond, writePlan, writeRepo } from "../support/plan.ts";
import { pulumiEnvironment } from "../support/pulumi-environment.ts";

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
  await mkdir(join(folder, "home"));
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

test("`ocaptain sail` of a plan sails it from the user's project, and says what comes next", async () => {
  expect((await ocaptain(folder, "init", "mine")).exitCode).toBe(0);
  await link(project);
  const repo = await writeRepo(join(folder, "repo"));
  await writePlan(join(project, "plan"), { repo, tasks: diamond(4) });
  const sailed = await ocaptain(project, "sail", "./plan", "-n", "2", "--yes", "--no-telemetry");
  expect(sailed).toMatchObject({ exitCode: 0 });
  expect(sailed.stdout).toMatch(/^voyage-plan sails: \d+ create\n {2}ocaptain status voyage-plan --watch/);
  expect(sailed.stderr).toMatch(/✓ Sprite +ship-0 +made/);
  const { id } = JSON.parse((await ocaptain("/", "status", "voyage-plan", "--json")).stdout);
  await expect.poll(async () => (await helmClient().voyage(id)).state, { timeout: 90_000, interval: 200 }).toBe("verified");
});

test("`ocaptain sail voyage` from any folder, and `pulumi up` of the same stack, change nothing", async () => {
  const again = await ocaptain("/", "sail", "voyage-plan", "--yes", "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ voyage: "voyage-plan", project, changes: { same: 17 } });
  expect((await pulumi(project, "up", "-s", "voyage-plan", "--yes", "--skip-preview")).all).toMatch(/\n +17 unchanged/);
});

test("a `pulumi up` of the stack from a project without its settings is refused, and says where they are", async () => {
  const other = join(folder, "other");
  await ocaptain(folder, "init", "other");
  await link(other);
  const { all, exitCode } = await pulumi(other, "preview", "-s", "voyage-plan");
  expect(exitCode).not.toBe(0);
  expect(all).toContain(`${join(project, "stacks", "Pulumi.voyage-plan.yaml")}`);
  expect(all).toContain("hint: ocaptain sail voyage-plan");
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
