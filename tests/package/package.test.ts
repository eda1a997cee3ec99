import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../lib/base/free-port.ts";
import { stopHarbor } from "../../lib/daemons/harbor.ts";
import { stopHelm } from "../../lib/daemons/helm.ts";
import { helmBuild } from "../../lib/daemons/helm-build.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { pack } from "../../tools/pack.ts";
import { OLD_NODE } from "../support/old-node.ts";
import { Browser } from "../support/page.ts";
import { diamond, writePlan, writeRepo } from "../support/plan.ts";
import { pulumiEnvironment } from "../support/pulumi-environment.ts";

/**
 * The npm package as a user has it: installed globally into an empty home, and as a dependency of a Pulumi project of
 * three lines in a repository of the user's own, sailed by a plain `pulumi up`. Tools (pulumi, mutagen) are this
 * checkout's, as if the user had installed them.
 */
const ROOT = resolve(import.meta.dirname, "../..");
const NPM = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
const INSTALL_MS = 240_000;

let folder: string;
let project: string;
let tarball: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "op-"));
  project = join(folder, "mine");
  tarball = await pack(join(folder, "packed"));
  await mkdir(join(folder, "home"));
  await execa("npm", [...NPM, "--global", "--prefix", join(folder, "global"), tarball], { timeout: INSTALL_MS });
  expect(await ocaptain(["init", project])).toMatchObject({ exitCode: 0, stderr: "" });
  await execa("npm", [...NPM, tarball], { cwd: project, timeout: INSTALL_MS });
  Object.assign(process.env, {
    OCAPTAIN_HOME: join(folder, "h"),
    OCAPTAIN_VOYAGES: join(folder, "v"),
    OCAPTAIN_HELM_PORT: String(await freePort()),
  });
  env = { ...pulumiEnvironment(folder), HOME: join(folder, "home") };
}, 2 * INSTALL_MS);
afterAll(async () => {
  await stopHelm().catch(() => {});
  await stopHarbor().catch(() => {});
  await rm(folder, { recursive: true, force: true });
});

const pulumi = async (...args: string[]) =>
  String(
    (
      await execa("pulumi", [...args, "--non-interactive", "--color", "never"], {
        cwd: project,
        env,
        all: true,
        timeout: 120_000,
      })
    ).all,
  );
const state = async () => JSON.parse(await pulumi("stack", "export"));

/** `ocaptain` as it was installed, in a shell without any variable of ours. */
const ocaptain = (args: string[], more: Record<string, string> = {}) => {
  const path = [join(folder, "global", "bin"), dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
  return execa("ocaptain", args, {
    cwd: join(folder, "home"),
    env: { PATH: path, HOME: join(folder, "home"), ...more },
    extendEnv: false,
    reject: false,
  });
};

test("the tarball holds what runs and nothing else, in less than a megabyte and a half", async () => {
  expect((await stat(tarball)).size).toBeLessThan(1_500_000);
  const names = (await execa("tar", ["tzf", tarball])).stdout.split("\n").map((name) => name.replace(/^package\//, ""));
  expect(names.filter((name) => /^(tests|docs|bench|stacks)\//.test(name))).toEqual([]);
  expect(names.filter((name) => /^plans\/(?!survey\/|schema\/)/.test(name))).toEqual([]);
  // Of tools, what set-up needs: the sums of what it builds, and the lock file of what npm brings it.
  expect(names.filter((name) => /^tools\/.*\.ts$/.test(name))).toEqual([]);
  const setUp = [
    "tools/setup.mjs",
    "tools/lean-sdk.cjs",
    "tools/engine-end.cjs",
    "tools/setup/pulumi.mjs",
    "tools/go/mutagen/go.sum",
    "tools/node24/package-lock.json",
  ];
  expect(names).toEqual(expect.arrayContaining(setUp));
  // A ship gets the crew's TypeScript, stripped on its way; of all else Node strips nothing below node_modules.
  expect(names.filter((name) => /(?<!\.d)\.ts$/.test(name) && !name.startsWith("crew/"))).toEqual([]);
  expect(names).toEqual(
    expect.arrayContaining([
      "LICENSE",
      "README.md",
      "bin/ocaptain",
      "bin/pulumi",
      "library.d.ts",
      "crew/supervisor.ts",
      "plans/schema/task.json",
      "web/dist/index.html",
      "web/dist/assets/main.js",
      "web/dist/licences.txt",
    ]),
  );
  // Claude Code installs the plugin from the package's own folder.
  const skills = ["voyage-plan", "voyage-review"].map((name) => `plugin/skills/${name}/SKILL.md`);
  const manifests = [".claude-plugin/marketplace.json", "plugin/.claude-plugin/plugin.json"];
  expect(names).toEqual(expect.arrayContaining([...manifests, ...skills]));
});

test("installed globally, `ocaptain` runs from an empty home, and says that there is no voyage yet", async () => {
  expect((await ocaptain(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+$/);
  const status = await ocaptain(["status"]);
  expect(status.exitCode).toBe(1);
  expect(status.stderr).toContain(`there is no voyage in ${join(folder, "home", "voyages")}`);
});

test("a program of three lines has types, also for a compiler that checks ours", async () => {
  const compilerOptions = { module: "nodenext", target: "es2024", strict: true, noEmit: true, skipLibCheck: false, types: [] };
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["index.ts", "wrong.ts"] }));
  await writeFile(
    join(project, "wrong.ts"),
    'import { sail } from "ocaptain";\n\nexport const wrong: number = (await sail()).voyage;\n',
  );
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = await execa(process.execPath, [tsc, "-p", project], { reject: false });
  expect(stdout.split("\n").filter((line) => line.includes("error"))).toEqual([
    expect.stringMatching(/^.*wrong\.ts\(3,14\): error TS2322: Type 'Output<\{.*is not assignable to type 'number'/),
  ]);
});

test("an older Node is told in one line, and nothing is loaded", async () => {
  const run = await execa(process.execPath, [OLD_NODE, join(project, "node_modules/ocaptain/library.js")], { reject: false });
  expect(run.exitCode).not.toBe(0);
  expect(run.stderr).toMatch(/this needs Node 24 or later/);
  expect(run.stderr).not.toMatch(/^ +at |ERR_/m);
});

test("`pulumi up` in the user's project sails; state names the package, and no place on this machine; up again changes nothing", async () => {
  const repo = await writeRepo(join(folder, "repo"));
  await writePlan(join(project, "plan"), { repo, tasks: diamond(4) });
  await pulumi("stack", "init", "voyage-abc");
  await pulumi("config", "set", "ocaptain:plan", "plan");
  await pulumi("config", "set", "ocaptain:ships", "2");
  await pulumi("up", "--yes", "--skip-preview");
  const { voyage } = JSON.parse(await pulumi("stack", "output", "--json"));
  await expect
    .poll(async () => (await helmClient().voyage(voyage.id)).state, { timeout: 90_000, interval: 200 })
    .toBe("verified");
  const text = JSON.stringify(await state());
  expect(text).toContain("ocaptain/host");
  expect(text.replaceAll(repo, "")).not.toMatch(new RegExp(`${folder}|${ROOT}`));
  expect(await pulumi("up", "--yes", "--skip-preview")).toMatch(/\n +17 unchanged/);
  const shell = { OCAPTAIN_HOME: join(folder, "h"), OCAPTAIN_VOYAGES: join(folder, "v") };
  expect((await ocaptain(["status"], shell)).stdout).toMatch(/^voyage-abc\s+verified\s+4\/4 accepted/);
});

test("the helm that the package started is, by its digest, that of the checkout it was made from, and serves the page", async () => {
  expect((await helmClient().health()).build).toBe(await helmBuild());
  const shell = { OCAPTAIN_HOME: join(folder, "h"), OCAPTAIN_VOYAGES: join(folder, "v") };
  const { stdout } = await ocaptain(["dashboard", "--json"], shell);
  const page = await fetch(new URL("/assets/main.js", JSON.parse(stdout).url));
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/javascript; charset=utf-8"]);
  expect((await ocaptain(["dashboard", "--stop"], shell)).stdout).toMatch(/^the page is served no more/);
});

test("`pulumi destroy` in the user's project sinks the fleet", async () => {
  await pulumi("destroy", "--yes", "--skip-preview");
  expect((await state()).deployment.resources ?? []).toEqual([]);
});

test("`ocaptain sail` of the global install needs no project and no variable of Pulumi's; `sink` on the page ends what it has sailed", async () => {
  await writePlan(join(folder, "home", "plan"), { repo: join(folder, "repo"), tasks: diamond(2) });
  const shell = {
    OCAPTAIN_HOME: join(folder, "h"),
    OCAPTAIN_VOYAGES: join(folder, "v"),
    OCAPTAIN_HELM_PORT: process.env.OCAPTAIN_HELM_PORT!,
    PATH: [join(folder, "global", "bin"), process.env.PATH].join(delimiter),
  };
  const sailed = await ocaptain(["sail", "./plan", "-n", "1", "--yes", "--json"], shell);
  expect(sailed).toMatchObject({ exitCode: 0 });
  const project = join(folder, "h", "project");
  expect(JSON.parse(sailed.stdout)).toMatchObject({ voyage: "voyage-plan", project });
  expect((await ocaptain(["status", "voyage-plan"], shell)).stdout).toMatch(/^voyage-plan {2}/);
  // On the page, by a process of its own, which ends the voyage at this very helm.
  const { url } = JSON.parse((await ocaptain(["dashboard", "--json"], shell)).stdout);
  const browser = new Browser(Number(new URL(url).port));
  await browser.enter(url);
  const { id } = JSON.parse(sailed.stdout);
  expect(await browser.post(id, { action: "sink" })).toMatchObject({ status: 200 });
  expect(await browser.post(id, { action: "sink" })).toMatchObject({ status: 409 });
  const run = async () => JSON.parse((await browser.get(`/api/voyages/${id}`)).body).sinking.run;
  await expect.poll(async () => (await run()).exitCode, { timeout: 90_000, interval: 500 }).toBe(0);
  expect((await run()).output).toMatch(
    /^voyage-plan has sunk: the provider, the sync daemon and the helm have nothing left of it$/m,
  );
  await ocaptain(["dashboard", "--stop"], shell);
});

test("`ocaptain demo` of the global install needs no repository: it sails, loses a ship, heals, sinks, and proves it", async () => {
  const run = (id: string) => `sleep 1; mkdir -p out && echo ${id} > out/${id}`;
  await writePlan(join(folder, "home", "show"), { repo: ".", tasks: diamond(8, run) });
  const PATH = [join(folder, "global", "bin"), process.env.PATH].join(delimiter);
  const demo = await ocaptain(["demo", "--plan", "show", "--ships", "2", "--latency", "none"], { PATH });
  expect(demo.stderr).toMatch(/is sunk on purpose[\s\S]*verify\.sh passed[\s\S]*ships left at the provider: 0 {3}helm: ended/);
  expect(demo).toMatchObject({ exitCode: 0 });
}, 300_000);
