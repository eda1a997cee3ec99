import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openTerminal } from "../../cli/output/terminal.ts";
import { whatToSail } from "../../cli/sail/meant.ts";
import { freePort } from "../../lib/base/free-port.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { type VoyageIdentity, writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { BIN } from "../support/ocaptain.ts";
import { pulumiEnvironment } from "../support/pulumi-environment.ts";
import { makeStack } from "../support/pulumi-stack.ts";
import { standInPulumi } from "../support/stand-in-pulumi.ts";
import { openTerm } from "../support/term.ts";

/** What `sail` and `sink` ask of Pulumi, without the engine: voyages are their folders in the captain's. */
let folder: string;
let project: string;
let pulumi: Awaited<ReturnType<typeof standInPulumi>>;
const before = { ...process.env };

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "os-")));
  project = join(folder, "mine");
  pulumi = await standInPulumi(folder);
  Object.assign(process.env, pulumiEnvironment(folder), pulumi.env, {
    OCAPTAIN_HOME: join(folder, "h"),
    OCAPTAIN_VOYAGES: join(folder, "v"),
    OCAPTAIN_HELM_PORT: String(await freePort()),
  });
  await mkdir(join(project, "node_modules", "ocaptain"), { recursive: true });
  await mkdir(join(project, "stacks"));
  await mkdir(join(project, "plan"));
  await writeFile(join(project, "Pulumi.yaml"), "{name: ocaptain, runtime: nodejs, stackConfigDir: stacks}");
});
afterEach(async () => {
  process.chdir("/");
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  await rm(folder, { recursive: true, force: true });
});

const ocaptain = (...args: string[]) => execa(BIN, args, { cwd: project, reject: false, stdin: "ignore", timeout: 30_000 });

let ids = 0xa00000;
/** Writes a voyage's folder and its settings, as if it had been sailed from the project. */
async function writeVoyage(stack: string, more: Partial<VoyageIdentity> = {}, plan = "./plan"): Promise<string> {
  const settings = join(project, "stacks", `Pulumi.${stack}.yaml`);
  await writeFile(settings, `config:\n  ocaptain:plan: ${plan}\n  ocaptain:ships: "2"\n`);
  ids += 1;
  await writeVoyageIdentity({
    voyageId: ids.toString(16),
    stack,
    captainId: await captainId(),
    nonce: "n",
    createdAt: "2026-01-01T00:00:00.000Z",
    sailedFrom: { project, settings, byOcaptain: true },
    ...more,
  });
  return settings;
}

test("a plan whose voyage has sunk sails under the next free name, and that is said; one that another plan has is refused", async () => {
  process.chdir(project);
  await writeVoyage("voyage-plan");
  expect(await whatToSail("./plan", undefined)).toMatchObject({ stack: { name: "voyage-plan" }, begins: false });
  await writeVoyage("voyage-plan", { sunkAt: "2026-01-02T00:00:00.000Z" });
  expect(await whatToSail("./plan", undefined)).toMatchObject({
    stack: { name: "voyage-plan-2" },
    begins: true,
    remark: 'voyage "voyage-plan" has sunk; this one is "voyage-plan-2"',
  });
  await writeVoyage("voyage-plan-2", {}, "./another");
  await expect(whatToSail("./plan", undefined)).rejects.toMatchObject({
    code: "NAME_TAKEN",
    message: 'voyage "voyage-plan-2" is at sea, and not with this plan',
    hint: expect.stringContaining("ocaptain sail ./plan --name voyage-plan-2-2"),
  });
});

test("a no, or Ctrl-C, at the question of a voyage that goes on takes back what was set for it", async () => {
  const settings = await writeVoyage("sea");
  await makeStack(folder, "sea");
  const was = await readFile(settings, "utf8");
  const term = await openTerm({ cols: 120, rows: 20 });
  try {
    await term.enter(`cd ${project}; ${BIN} sail sea -n 5; echo "status $?"`);
    await term.sees(/Sail sea\? \[y\/N\]/);
    expect(await readFile(settings, "utf8")).toContain('ocaptain:ships: "5"');
    await term.enter("n");
    await term.sees(/nothing has sailed, and nothing was changed\s+status 1/);
    expect(await readFile(settings, "utf8")).toBe(was);
    await term.enter(`clear; ${BIN} sail sea -n 6; echo "status $?"`);
    await term.sees(/^Sail sea\? \[y\/N\]/m);
    expect(await readFile(settings, "utf8")).toContain('ocaptain:ships: "6"');
    await term.press("C-c");
    await term.sees(/status 130/);
    expect(await readFile(settings, "utf8")).toBe(was);
    expect(await pulumi.runs()).toEqual(["preview sea", "preview sea"]);
  } finally {
    await term.close();
  }
});

test("sail says at once what it does, also beside JSON, and the time of a question is not counted", async () => {
  await writeVoyage("sea");
  const { stdout, stderr } = await ocaptain("sail", "sea", "--json");
  expect(stderr).toMatch(/^ +\d\.\ds {2}sea: first looks whether it can sail$/m);
  expect(JSON.parse(stdout)).toMatchObject({ voyage: "sea" });

  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const written: string[] = [];
    const terminal = openTerminal(Object.assign(new PassThrough(), { write: (text: string) => written.push(text) > 0 }) as never);
    vi.advanceTimersByTime(2_000);
    await terminal.apart(Promise.resolve().then(() => vi.advanceTimersByTime(90_000)));
    vi.advanceTimersByTime(1_000);
    terminal.line("done");
    expect(written.join("")).toContain("  3.0s  done");
  } finally {
    vi.useRealTimers();
  }
});

test("scale refuses settings that name no plan, since by them the voyage would be another, and a voyage that has sunk", async () => {
  await writeVoyage("sea", { sailedFrom: { project, byOcaptain: true } });
  const settings = join(project, "stacks", "Pulumi.sea.yaml");
  await writeFile(settings, 'config:\n  ocaptain:ships: "2"\n');
  expect(await ocaptain("scale", "4", "sea", "--yes")).toMatchObject({
    exitCode: 1,
    stdout: "",
    stderr: [
      `no plan is set in ${settings}: by these settings sea is an empty sail, which has one ship`,
      "  hint: PULUMI_OPTION_CONFIG_FILE=settings.yaml ocaptain scale 4 sea  # for a voyage that was sailed with --config-file",
    ].join("\n"),
  });
  await writeVoyage("old", { sunkAt: "2026-01-02T00:00:00.000Z" });
  expect(await ocaptain("scale", "4", "old", "--yes")).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^old has sunk, .*: it has no ships\n {2}hint: ocaptain sail old -n 4$/),
  });
  expect(await pulumi.runs()).toEqual([]);
  expect(await readFile(settings, "utf8")).not.toContain("4");
});

test("sink of a voyage leaves others whose names begin with its name; --all lists every voyage of this captain at sea first, and ends those alone", async () => {
  await writeVoyage("sea");
  await writeVoyage("sea-2");
  await writeVoyage("other");
  await writeVoyage("sea-3", { sunkAt: "2026-01-02T00:00:00.000Z" });
  await writeVoyage("sea-4", { captainId: "somebody-else" });
  expect(await ocaptain("sink", "sea")).toMatchObject({ exitCode: 2, stdout: "" });
  expect(await pulumi.runs()).toEqual([]);
  expect((await ocaptain("sink", "sea", "-f")).stdout).toMatch(/^sea has sunk: /);
  expect(await pulumi.runs()).toEqual(["destroy sea"]);

  const asked = await ocaptain("sink", "--all");
  expect(asked).toMatchObject({ exitCode: 2, stdout: "" });
  expect(asked.stderr.match(/^\S+ {2}unknown {2}.*tasks accepted/gm)).toEqual([
    expect.stringMatching(/^other /),
    expect.stringMatching(/^sea-2 /),
  ]);
  expect(asked.stderr).toContain("sea-4 is sailed by another captain, somebody-else: it is left alone");
  expect(await pulumi.runs()).toEqual([]);

  const all = JSON.parse((await ocaptain("sink", "--all", "--yes", "--json")).stdout);
  expect(all.sunk.map(({ voyage }: { voyage: string }) => voyage)).toEqual(["other", "sea-2"]);
  expect(await pulumi.runs()).toEqual(["destroy other", "destroy sea-2"]);
});

test("a .env beside the user's project counts for ocaptain in that project, and never over what is set", async () => {
  await writeVoyage("sea");
  await writeFile(join(project, ".env"), `OCAPTAIN_VOYAGES=${join(folder, "v")}\n`);
  const elsewhere = { ...process.env, OCAPTAIN_VOYAGES: undefined, HOME: folder };
  const status = (env: Record<string, string | undefined>) =>
    execa(BIN, ["status", "sea"], { cwd: join(project, "plan"), env, extendEnv: false, reject: false, timeout: 30_000 });
  expect(await status(elsewhere)).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^sea {2}/) });
  expect((await status({ ...elsewhere, OCAPTAIN_VOYAGES: join(folder, "none") })).exitCode).toBe(1);
});
