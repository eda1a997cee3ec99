import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { acquireOsLock } from "../../lib/base/os-lock.ts";
import { BIN, ocaptain, ongoing } from "../support/ocaptain.ts";
import { ocaptainHere } from "../support/ocaptain-here.ts";
import { until } from "../support/until.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ow-"));
  Object.assign(process.env, { OCAPTAIN_HOME: join(folder, "h"), OCAPTAIN_VOYAGES: join(folder, "v") });
});
afterEach(async () => {
  for (const name of ["OCAPTAIN_HOME", "OCAPTAIN_VOYAGES"]) delete process.env[name];
  await rm(folder, { recursive: true, force: true });
});

/** Makes a captain's folder of a voyage, and nothing else of it. */
async function voyage(stack: string, more: object = {}): Promise<void> {
  const at = join(folder, "v", stack);
  await mkdir(at, { recursive: true });
  const file = { voyageId: "abc123", stack, captainId: "0123456789ab", nonce: "n", createdAt: "2026-11-23T00:00:00Z", ...more };
  await writeFile(join(at, "voyage.json"), JSON.stringify(file));
}

const VERBS = [
  "status",
  "tasks",
  "land",
  "blame",
  "logs",
  "shell",
  "release",
  "retry",
  "budget",
  "scale",
  "clone",
  "report",
  "doctor",
];

test("help names every verb, and each has its own, with an example and --json", async () => {
  const { stdout, exitCode } = await ocaptain("--help");
  expect(exitCode).toBe(0);
  for (const verb of VERBS) expect(stdout).toContain(`  ${verb} `);
  for (const verb of VERBS) {
    const help = await ocaptainHere(verb, "--help");
    expect(help.exitCode).toBe(0);
    expect(help.stdout).toMatch(new RegExp(`Examples:\n  ocaptain ${verb}`));
    expect(help.stdout).toContain("--json");
  }
});

test("telemetry-start and telemetry-stop, words of the Python tool, are those of telemetry, and help lists these alone", async () => {
  expect((await ocaptainHere("telemetry-start", "--port", "0")).stderr).toMatch(
    /^--port 0 is no port.*\n {2}hint: ocaptain telemetry start --help$/,
  );
  expect((await ocaptainHere("telemetry-start", "--help")).stdout).toContain("--token");
  expect(await ocaptainHere("telemetry-stop")).toMatchObject({
    exitCode: 0,
    stdout: "no telemetry was taken of programs that are on no ship",
  });
  expect((await ocaptainHere("--help")).stdout).not.toContain("telemetry-");
});

test.each([
  [["stauts"], /unknown command 'stauts'/],
  [["status", "--watsh"], /unknown option '--watsh'\n.*\(ocaptain status --help\)$/s],
  [["plan", "check", "--watsh"], /unknown option '--watsh'\n\(ocaptain plan check --help\)$/],
  [["retry"], /missing required argument 'task'\n\(ocaptain retry --help\)$/],
  [["tasks", "-s", "finished"], /"finished" is not a status of a task: pending, claimed, accepted, blocked, cancelled/],
  [["logs", "-g", "("], /-g "\("/],
  [["logs", "-n", "few"], /-n "few" is not a number of lines/],
  [["logs", "--since", "yesterday"], /"yesterday" is not a duration/],
  [["sail", "plans/x", "-n", "three"], /-n, --ships three: must be a number/],
  [["sail", "--hand", "robot"], /--hand robot: /],
  [["sail", "--budget", "0"], /--budget 0: /],
  [["sail", "--repo", "mine"], /--repo mine must be a URL, owner\/name on GitHub, or a path/],
  [["sail", "--name", "My Voyage"], /stack "My Voyage" cannot name ships/],
  [["scale", "many"], /"many" is no number of ships: it is 1 to 1000\n {2}hint: ocaptain scale --help/],
  [["scale", "0"], /"0" is no number of ships: .*\n {2}hint: ocaptain sink\n?$/],
  [["scale", "1001"], /"1001" is no number of ships/],
  [["sink", "only"], /nobody can be asked here whether this is to end\n {2}hint: ocaptain sink only --force/],
  [["sink", "only", "--all"], /--all means every voyage, and names none/],
  [[], /Usage: ocaptain/],
])("%j is a slip in what was typed: status 2, said on stderr, nothing on stdout", async (args, said) => {
  await voyage("only");
  const result = await ocaptainHere(...args);
  expect(result.exitCode).toBe(2);
  expect(result.stdout).toBe("");
  expect(result.stderr).toMatch(said);
});

test("sail of a folder that is not there says what a plan is, and what makes one", async () => {
  const { exitCode, stderr } = await ocaptainHere("sail", "./none");
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /^there is no folder \S+\/none; a plan is a folder with spec\.md, voyage\.json and tasks\/\n {2}hint: ocaptain init {2}#/,
  );
});

test.each([
  [["stauts", "--json"], /^unknown command 'stauts'/, "ocaptain --help"],
  [["tasks", "--json", "--bogus"], /^unknown option '--bogus'/, "ocaptain tasks --help"],
  [["plan", "check", "--json", "--bogus"], /^unknown option '--bogus'/, "ocaptain plan check --help"],
  [["retry", "--json"], /^missing required argument 'task'/, "ocaptain retry --help"],
  [["status", "one", "two", "--json"], /^too many arguments/, "ocaptain status --help"],
  [["help", "stauts", "--json"], /^there is no such verb/, "ocaptain --help"],
])("%j: a slip is JSON too where --json is asked for, and nothing else is said", async (args, said, hint) => {
  const result = await ocaptainHere(...args);
  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(JSON.parse(result.stderr)).toEqual({
    error: "USAGE",
    message: expect.stringMatching(said),
    hint,
  });
});

test("no voyage, an unknown one, a broken one: status 1, with a hint; with --json as JSON", async () => {
  const none = await ocaptain("status");
  expect(none).toMatchObject({ exitCode: 1, stdout: "" });
  expect(none.stderr).toMatch(/there is no voyage in .*\n {2}hint: ocaptain sail --help {2}# /);
  await voyage("one");
  expect((await ocaptainHere("status", "other")).stderr).toMatch(/no voyage "other" in .*; there are one/);
  await writeFile(join(folder, "v", "one", "voyage.json"), "{");
  const broken = await ocaptain("tasks", "one", "--json");
  expect(broken.exitCode).toBe(1);
  expect(JSON.parse(broken.stderr)).toMatchObject({ error: "VOYAGE_FILE", message: expect.stringContaining("is broken") });
});

test("the voyage may be left out when there is one; several are listed; one that has not sunk is meant before those that have", async () => {
  await voyage("first");
  await mkdir(join(folder, "v", "no-voyage"));
  expect(JSON.parse((await ocaptainHere("status", "--json")).stdout)).toMatchObject({ stack: "first", from: "files" });
  await voyage("second", { voyageId: "abc124" });
  const several = await ocaptainHere("tasks");
  expect(several.exitCode).toBe(2);
  expect(several.stderr).toMatch(/several voyages; say which:\n {2}first\n {2}second\n/);
  expect(JSON.parse((await ocaptainHere("status", "second", "--json")).stdout).stack).toBe("second");
  expect(JSON.parse((await ocaptainHere("status", "abc124", "--json")).stdout).stack).toBe("second");
  await voyage("second", { voyageId: "abc124", sunkAt: "2026-11-23T01:00:00Z" });
  expect(JSON.parse((await ocaptainHere("status", "--json")).stdout).stack).toBe("first");
  expect(JSON.parse((await ocaptainHere("status", "second", "--json")).stdout)).toMatchObject({
    state: "sunk",
    ships: [],
    attention: [],
    next: expect.stringMatching(/^ocaptain clone second /),
  });
  // The folder is moved aside, so that another voyage can begin under its stack's name.
  await rename(join(folder, "v", "second"), join(folder, "v", "second.abc124"));
  await voyage("second", { voyageId: "abc125" });
  expect((await ocaptainHere("tasks")).stderr).toMatch(
    /say which:\n {2}first\n {2}second\n {2}second\.abc124 {2}\(sunk 2026-11-23\)\n/,
  );
  for (const name of ["abc124", "second.abc124"])
    expect(JSON.parse((await ocaptainHere("status", name, "--json")).stdout)).toMatchObject({ stack: "second", state: "sunk" });
});

test("status shows all voyages that are at sea, as text and as JSON; status --watch goes on until the last has sunk", async () => {
  await voyage("first");
  await voyage("second", { voyageId: "abc124" });
  await voyage("third", { voyageId: "abc125", sunkAt: "2026-11-23T01:00:00Z" });
  const all = await ocaptainHere("status");
  expect(all.exitCode).toBe(0);
  expect(all.stdout).toMatch(/^first {2}unknown(.*\n)+second {2}unknown/);
  expect(all.stdout).not.toContain("third");
  const { voyages } = JSON.parse((await ocaptainHere("status", "--json")).stdout);
  expect(voyages.map(({ stack }: { stack: string }) => stack)).toEqual(["first", "second"]);
  const { voyages: alone, ...itself } = JSON.parse((await ocaptainHere("status", "first", "--json")).stdout);
  expect(itself).toMatchObject({ stack: "first" });
  expect(alone).toEqual([itself]);
  const watching = ongoing("watch");
  await until("a first look", () => watching.lines().some((line) => line.startsWith("second")));
  await voyage("first", { sunkAt: "2026-11-23T01:00:00Z" });
  await until("one has sunk", () => watching.lines().some((line) => line.startsWith("first  sunk")));
  await voyage("second", { voyageId: "abc124", sunkAt: "2026-11-23T01:00:00Z" });
  expect(await watching.ended).toBe(0);
});

test("the stack that is selected in the Pulumi project of this folder is the one that is meant, while it is at sea", async () => {
  await voyage("first");
  await voyage("second", { voyageId: "abc124" });
  const project = join(folder, "p");
  await mkdir(join(project, "deep"), { recursive: true });
  await writeFile(join(project, "Pulumi.yaml"), "name: mine\nruntime: nodejs\n");
  await mkdir(join(folder, "s"));
  const env = {
    PULUMI_HOME: join(folder, "pulumi"),
    PULUMI_BACKEND_URL: `file://${join(folder, "s")}`,
    PULUMI_CONFIG_PASSPHRASE: "x",
  };
  const typed = (args: string[], more: object = {}, cwd = join(project, "deep")) =>
    execa(BIN, args, { cwd, env: { ...env, PWD: cwd, ...more }, reject: false, stdin: "ignore", timeout: 30_000 });
  await execa("pulumi", ["stack", "init", "second"], { cwd: project, env, timeout: 60_000 });

  const status = await typed(["status"]);
  expect(status.stdout).toMatch(/^second /);
  expect(status.stderr).toContain("also at sea: first");
  expect(JSON.parse((await typed(["tasks", "--json"])).stderr || "{}")).not.toHaveProperty("error");
  // From another folder nothing is selected; PULUMI_STACK selects in each.
  expect((await typed(["tasks"], {}, folder)).exitCode).toBe(2);
  expect((await typed(["status"], { PULUMI_STACK: "organization/mine/first" }, folder)).stdout).toMatch(/^first /);
  // Of two backends, the one in use counts.
  expect((await typed(["tasks"], { PULUMI_BACKEND_URL: "file:///nowhere" })).exitCode).toBe(0);
  await voyage("second", { voyageId: "abc124", sunkAt: "2026-11-23T01:00:00Z" });
  expect((await typed(["status"])).stdout).toMatch(/^first /);
});

test("wait and status --watch stay with their voyage, when it is put aside and another begins under its stack's name", async () => {
  await voyage("mine");
  const [waiting, watching] = [ongoing("wait", "mine", "--for", "verified"), ongoing("watch", "mine")];
  await until("both look", () => waiting.remarks().includes("mine is unknown") && watching.lines().length > 0);
  // In one step, so that no look finds the stack without a voyage.
  await voyage("mine.abc123", { stack: "mine", sunkAt: "2026-11-23T01:00:00Z" });
  await voyage("mine", { voyageId: "abc124" });
  expect(await watching.ended).toBe(0);
  expect(watching.lines()).toContainEqual(expect.stringMatching(/^mine {2}sunk/));
  expect(await waiting.ended).toBe(1);
  expect(waiting.remarks()).toContain("mine is sunk");
  expect((await ocaptainHere("wait", "mine", "--timeout", "0s")).exitCode).toBe(124);
});

test("forget puts the folder of a sunk voyage into the archive, out of sight, and says where; one at sea is refused", async () => {
  await voyage("old", { sunkAt: "2026-11-23T01:00:00Z" });
  await voyage("new", { voyageId: "abc124" });
  const at = join(folder, "v", "old");
  await execa("git", ["init", "-q", join(at, "workspace")]);
  await execa("git", ["-C", join(at, "workspace"), "remote", "add", "origin", join(at, "repo.git")]);
  const refused = await ocaptainHere("forget", "new");
  expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
  expect(refused.stderr).toMatch(/"new" has not sunk.*\n {2}hint: .*pulumi destroy -s new/);
  const lock = await acquireOsLock(join(at, "helm", "lock.sqlite"), { timeoutMs: 0 });
  expect((await ocaptainHere("forget", "old")).stderr).toMatch(
    /another change of voyage "old" is under way.*\n {2}hint: ocaptain forget old /,
  );
  lock.release();
  const archived = join(folder, "v", ".archive", "old.abc123");
  const { stdout, exitCode } = await ocaptainHere("forget", "old");
  expect({ stdout, exitCode }).toEqual({ exitCode: 0, stdout: expect.stringContaining(`kept in ${archived}\n`) });
  expect((await execa("git", ["-C", join(archived, "workspace"), "remote", "get-url", "origin"])).stdout).toBe(
    join(archived, "repo.git"),
  );
  expect((await ocaptainHere("ls", "--all")).stdout).not.toContain("old");
  expect((await ocaptainHere("status", "old")).exitCode).toBe(1);
  expect((await ocaptainHere("doctor")).stdout).not.toContain(".archive");
  // The way back that was said.
  await execa("sh", ["-c", stdout.split("to have it back: ")[1]!]);
  expect((await ocaptainHere("ls", "--all")).stdout).toContain("old");
});

test("a look makes no folder and starts no daemon", async () => {
  await voyage("only");
  await ocaptain("status");
  await ocaptainHere("tasks");
  await ocaptainHere("logs");
  await ocaptainHere("doctor");
  await expect(execa("ls", [join(folder, "h")])).rejects.toThrow(/No such file/);
});

test("a shell needs a terminal, and says so before it wakes anybody", async () => {
  await voyage("only");
  await mkdir(join(folder, "v", "only", "ships", "ship-0"), { recursive: true });
  const result = await ocaptainHere("shell");
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toMatch(/a shell needs a terminal/);
});

test("the launcher works through links, from anywhere, and says what Node it lacks", async () => {
  await symlink(BIN, join(folder, "far"));
  await mkdir(join(folder, "bin"));
  await symlink("../far", join(folder, "bin", "near"));
  const linked = await execa(join(folder, "bin", "near"), ["--version"], { cwd: "/" });
  expect(linked.stdout).toMatch(/^\d+\.\d+\.\d+$/);

  // This is a checkout without .tools, and an old Node is on PATH.
  const old = join(folder, "old");
  await mkdir(join(old, "bin"), { recursive: true });
  await writeFile(join(old, "node"), "#!/bin/sh\necho v20.11.0\n", { mode: 0o755 });
  await execa("cp", [BIN, join(BIN, "../find-node.sh"), join(old, "bin")]);
  const result = await execa(join(old, "bin", "ocaptain"), ["status"], {
    env: { PATH: `${old}:/usr/bin:/bin`, HOME: old },
    extendEnv: false,
    reject: false,
  });
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(/needs Node 24 or later, and finds v20\.11\.0\n {2}hint: \(cd .*old && npm run setup\)/);
});

test("a hint can be pasted in the folder in which ocaptain was typed: elsewhere than in the checkout it says where that is", async () => {
  await voyage("only");
  const project = join(import.meta.dirname, "../..");
  const { stderr, stdout } = await execa(BIN, ["status", "only", "--json"], { cwd: folder, stdin: "ignore" });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout).attention[0].hint).toBe(`pulumi -C ${project} up -s only`);
  const asked = await execa(BIN, ["retry", "7"], { cwd: folder, stdin: "ignore", reject: false });
  expect(asked.stderr).toMatch(`\n  hint: pulumi -C ${project} up -s only  # starts it`);
  expect((await ocaptain("retry", "7")).stderr).toMatch("\n  hint: pulumi up -s only  # starts it");
});

test("an option that the demonstration does not know is said in a line, with where its options are", async () => {
  const { exitCode, stdout, stderr } = await execa("node", ["cli/demo/main.ts", "--shipz", "3"], { reject: false });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(/^unknown option '--shipz'\n {2}hint: npm run demo -- --help$/);
});

test("doctor names a variable that is nearly one of ours, and was meant to be it", async () => {
  process.env.OCAPTAIN_VOYAGE = "/somewhere";
  const { stdout, exitCode } = await ocaptainHere("doctor", "--json");
  delete process.env.OCAPTAIN_VOYAGE;
  expect(JSON.parse(stdout).findings).toContainEqual({
    area: "settings",
    what: "OCAPTAIN_VOYAGE",
    state: "wrong",
    message: "is read by nobody; did you mean OCAPTAIN_VOYAGES?",
    hint: "unset OCAPTAIN_VOYAGE",
  });
  expect(exitCode).toBe(1);
});

test("status --watch waits for a voyage that is not there yet, and says so; it ends by itself when the voyage has sunk", async () => {
  const watching = ongoing("status", "soon", "--watch");
  await until("it says that it waits", () => watching.remarks().includes('no voyage "soon"'));
  expect(watching.remarks()).toContain("waiting until pulumi up has made it");
  expect(watching.lines()).toEqual([]);
  await voyage("soon");
  await until("a first look", () => watching.lines().length > 0);
  expect(watching.lines()[0]).toMatch(/^soon {2}unknown/);
  await voyage("soon", { sunkAt: "2026-11-23T01:00:00Z" });
  expect(await watching.ended).toBe(0);
  expect(watching.lines()).toContainEqual(expect.stringMatching(/^soon {2}sunk/));
});

test("watch --json: the whole view, then a line a change; it says when no helm answers, and ends when the voyage has sunk", async () => {
  await voyage("first");
  const watching = ongoing("watch", "--json");
  const told = () => watching.lines().map((line) => JSON.parse(line));
  await until("no helm", () => told().length === 2);
  expect(told()).toMatchObject([
    {
      type: "view",
      voyage: "first",
      view: { stack: "first", state: "unknown", from: "files", attention: [{ id: "helm/away" }] },
    },
    { type: "helm", voyage: "first", away: true, why: expect.stringContaining("the helm does not answer") },
  ]);
  await voyage("first", { sunkAt: "2026-11-23T01:00:00Z" });
  expect(await watching.ended).toBe(0);
  expect(told().slice(2)).toMatchObject([
    { type: "helm", away: false },
    { type: "voyage", set: { state: "sunk" } },
    { type: "needs-you", count: 0, ended: "helm/away" },
    { type: "end", why: "the voyage has sunk", state: "sunk" },
  ]);
});
