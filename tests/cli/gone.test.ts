import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mutagenHome } from "../../lib/base/paths.ts";
import { knownHarbor } from "../../lib/daemons/harbor.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import { BIN, ocaptain } from "../support/ocaptain.ts";
import { ocaptainHere } from "../support/ocaptain-here.ts";
import { pulumiEnvironment } from "../support/pulumi-environment.ts";
import { makeStack } from "../support/pulumi-stack.ts";
import { type Fleet, openFleet } from "./fleet.ts";

let fleet: Fleet;
let backend: string;
beforeAll(async () => {
  backend = await mkdtemp(join(tmpdir(), "oc-backend-"));
  Object.assign(process.env, pulumiEnvironment(backend));
  const metadata = { touches: ["docs"], source: "spec-kit:T012" };
  fleet = await openFleet({ ships: 1, tasks: [{ id: "1", run: 'echo "laying the keel" | tee keel.txt', metadata }] });
});
afterAll(async () => {
  await fleet.close();
  await rm(backend, { recursive: true, force: true });
});

/** Records a stack of this project in the backend, as if an `up` had recorded the voyage. */
const recordStack = (stack: string) => {
  const urn = `urn:pulumi:${stack}::ocaptain::pulumi:pulumi:Stack::ocaptain-${stack}`;
  return makeStack(backend, stack, { resources: [{ urn, custom: false, type: "pulumi:pulumi:Stack" }] });
};

const findings = async () =>
  JSON.parse((await ocaptainHere("doctor", "--json")).stdout).findings as {
    area: string;
    what: string;
    state: string;
    message: string;
    hint: string;
  }[];
const wrong = async () => (await findings()).filter((finding) => finding.state === "wrong");

test("a voyage at sea of which no stack knows, and a shell without pulumi, are both told", async () => {
  await fleet.until("verified", (s) => s.state === "verified");
  const unknown = expect.objectContaining({
    what: "quay",
    message: expect.stringContaining("no stack of that name"),
    hint: expect.stringContaining("pulumi stack init quay"),
  });
  expect(await wrong()).toEqual([unknown]);
  const bare = (process.env.PATH ?? "").split(":").filter((folder) => !existsSync(join(folder, "pulumi")));
  const { stdout, exitCode } = await execa(BIN, ["doctor"], { env: { PATH: bare.join(":") }, reject: false, timeout: 30_000 });
  expect(stdout).toMatch(/· pulumi +3\..*; in this shell it is not on PATH.*\n +hint: .*\.tools\/env\.sh/);
  expect(exitCode).toBe(1);
});

test("a voyage that has come to its end is not paused, and that is said", async () => {
  await fleet.until("verified", (s) => s.state === "verified");
  expect(await ocaptainHere("pause")).toMatchObject({
    exitCode: 1,
    stdout: "",
    stderr: expect.stringMatching(/^quay is verified: no work is left that could be paused\n {2}hint: ocaptain clone quay {2}# /),
  });
  expect(await fleet.status()).not.toHaveProperty("paused");
});

test("behind a proxy from which this machine is not excepted, pulumi would not reach its own program: told", async () => {
  const { stdout } = await execa(BIN, ["doctor"], {
    env: { http_proxy: "http://127.0.0.1:9", no_proxy: "" },
    reject: false,
    timeout: 30_000,
  });
  expect(stdout).toMatch(/✗ http_proxy .*\n +hint: export no_proxy=localhost,127\.0\.0\.1/);
});

test("a voyage at sea with nothing wrong: doctor says so, with the daemons and the voyage", async () => {
  await recordStack("quay");
  const { stdout, exitCode } = await ocaptain("doctor");
  expect(stdout).toMatch(/✓ helm +process \d+, port \d+/);
  expect(stdout).toMatch(/✓ harbor +process \d+/);
  expect(stdout).toMatch(/✓ quay +verified/);
  expect(stdout).not.toContain("✗");
  expect(exitCode).toBe(0);
});

test("doctor --fix starts a sync daemon that has ended, says so, and leaves the rest as findings", async () => {
  const mutagen = voyageMutagen({ voyageId: fleet.voyageId, provider: "harbor" });
  await mutagen.stopDaemon();
  expect(await wrong()).toMatchObject([{ what: "quay", message: "its sync daemon does not run" }]);
  const { stdout, exitCode } = await execa(BIN, ["doctor", "--fix", "--json"], {
    env: { http_proxy: "http://127.0.0.1:9", no_proxy: "" },
    reject: false,
    timeout: 60_000,
  });
  const { ok, fixed, findings } = JSON.parse(stdout);
  expect(fixed).toEqual([
    { area: "voyages", what: "quay", did: "the sync daemon of quay is started anew, and its syncs go on", failed: null },
  ]);
  expect({ ok, exitCode }).toEqual({ ok: false, exitCode: 1 });
  expect(findings.filter(({ state }: { state: string }) => state === "wrong")).toMatchObject([{ what: "http_proxy" }]);
  expect(await mutagen.running()).toBe(true);
});

const leftovers = async () => (await wrong()).filter(({ area }) => area === "leftovers");

test("what a sink leaves is found, each with the command that helps", async () => {
  await fleet.sink();
  expect(await leftovers()).toEqual([]);

  const stray = voyageMutagen({ voyageId: fleet.voyageId, provider: "harbor" });
  await stray.ensureDaemon();
  const home = mutagenHome(fleet.voyageId);
  expect(await leftovers()).toEqual([
    expect.objectContaining({
      area: "leftovers",
      what: `sync daemon of ${fleet.voyageId}`,
      message: "runs, though voyage quay has sunk",
      hint: "ocaptain sweep",
    }),
  ]);
  await stray.stopDaemon();
  expect(await leftovers()).toMatchObject([{ what: home, hint: "ocaptain sweep" }]);
  await stray.ensureDaemon();
  const mended = await ocaptainHere("doctor", "--fix");
  expect(mended).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^fixed\n {2}✓ sync daemon of [0-9a-f]{6} is gone/),
  });
  expect(await stray.running()).toBe(false);
  expect(existsSync(home)).toBe(false);
  expect((await ocaptainHere("doctor", "--fix")).stdout).not.toContain("fixed");

  const folder = `${dirname(fleet.folder.root)}/orphan`;
  await mkdir(`${folder}/repo.git`, { recursive: true });
  expect(await leftovers()).toMatchObject([{ what: folder, message: expect.stringContaining("no voyage.json") }]);
  await rm(folder, { recursive: true });
});

/** Without an account at sprites.dev, which a harbor is that a test drives by its URL. */
const NO_ACCOUNT = { SPRITES_API_URL: "", SPRITE_TOKEN: "" };

/** What `ocaptain sweep` says, as JSON, with its exit status. */
const swept = async (env: Record<string, string>, ...args: string[]) => {
  const { stdout, exitCode } = await execa(BIN, ["sweep", "--json", ...args], {
    env: { ...NO_ACCOUNT, ...env },
    reject: false,
    timeout: 60_000,
  });
  const said = JSON.parse(stdout) as Record<"left" | "removed" | "failed", Record<string, string>[]>;
  return { exitCode, ...said, names: said.left.map(({ name }) => name) };
};

test("sweep removes what carries our mark and belongs to no voyage; not what holds work, is another captain's, or has no mark", async () => {
  await rm(mutagenHome(fleet.voyageId), { recursive: true, force: true });
  const { voyageId, nonce } = fleet.mustered;
  const marks = ["ocaptain", `voyage-${voyageId}`, `nonce-${nonce}`];
  const [empty, holding, strange] = ["ship-6", "ship-7", "ship-8"].map((ship) => fleet.spriteName(ship)) as [
    string,
    string,
    string,
  ];
  await fleet.sprites.create(empty, marks);
  await fleet.sprites.create(holding, marks);
  await fleet.onShip("ship-7", 'mkdir -p "$HOME/voyage/workspace" && echo unsaved > "$HOME/voyage/workspace/keel.txt"');
  await fleet.sprites.create(strange, ["x"]);
  const theirs = "elsewhere-0a0a0a-ship-0";
  await fleet.sprites.create(theirs, ["ocaptain", "voyage-0a0a0a", "nonce-1", "captain-feedfeedfeed"]);
  await mkdir(mutagenHome("0b0b0b"), { recursive: true });

  const look = await swept({});
  expect(look).toMatchObject({
    exitCode: 1,
    removed: [],
    names: [`sprite ${empty}`, `sprite ${holding}`, mutagenHome("0b0b0b")],
  });
  expect(look.left[1]).toMatchObject({ kept: expect.stringContaining("holds work"), hint: expect.stringContaining("--fetch") });
  expect(await leftovers()).toMatchObject([{ what: `sprite ${empty}`, hint: "ocaptain sweep" }, {}, {}]);

  const done = await swept({}, "--yes");
  expect(done.removed.map(({ name }) => name)).toEqual([`sprite ${empty}`, mutagenHome("0b0b0b")]);
  expect(done).toMatchObject({ exitCode: 1, failed: [], names: [`sprite ${holding}`] });
  expect((await fleet.sprites.list("")).sort()).toEqual([theirs, holding, strange].sort());

  // The captain whose label is on it sees the same account, and nothing there but that one.
  const home = join(backend, "another-captain");
  await mkdir(home);
  await writeFile(join(home, "captain"), "feedfeedfeed");
  const { url, token } = knownHarbor()!;
  const asThem = { OCAPTAIN_HOME: home, OCAPTAIN_VOYAGES: join(home, "v"), SPRITES_API_URL: url, SPRITE_TOKEN: token };
  expect(await swept(asThem, "--yes")).toMatchObject({ exitCode: 0, removed: [{ name: `sprite ${theirs}` }], names: [] });

  const fetched = await swept({}, "--yes", "--fetch");
  expect(fetched).toMatchObject({ exitCode: 0, removed: [{ name: `sprite ${holding}` }], names: [] });
  const archive = String(fetched.removed[0]?.to);
  expect((await execa("tar", ["-xzOf", archive, "workspace/keel.txt"])).stdout).toBe("unsaved");
  expect(await fleet.sprites.list("")).toEqual([strange]);
  await fleet.sprites.remove(strange);
  expect(await swept({})).toMatchObject({ exitCode: 0, names: [] });
});

test("a voyage that has sunk: its tasks, its logs and what it had come to are there, and following ends by itself", async () => {
  expect((await ocaptainHere("status")).stdout).toMatch(/^quay {2}sunk, was verified {2}1\/1 accepted\n.*the fleet is gone/);
  expect(await ocaptainHere("wait", "quay")).toMatchObject({
    exitCode: 0,
    stderr: "quay is sunk, and was verified: 1 of 1 tasks accepted",
  });
  expect(JSON.parse((await ocaptainHere("tasks", "--json")).stdout)).toMatchObject({
    from: "files",
    tasks: [{ id: "1", status: "accepted", source: "spec-kit:T012", outside: { files: ["keel.txt"], count: 1 } }],
  });
  expect((await ocaptainHere("tasks")).stdout).toMatch(/\n1 .* spec-kit:T012 +Task 1 {2}\(outside its touches: keel.txt\)$/);
  const outside = [{ id: "1", files: ["keel.txt"], count: 1 }];
  expect(JSON.parse((await ocaptainHere("status", "--json")).stdout)).toMatchObject({ outside });
  const { stdout, stderr, exitCode } = await ocaptain("logs", "-f");
  expect(stdout).toMatch(/ship-0 #1 \| laying the keel/);
  expect(stderr).toMatch(/no more logs will come/);
  expect(exitCode).toBe(0);
  const watched = await ocaptainHere("status", "--watch");
  expect(watched.stdout).toMatch(/^quay {2}sunk/);
  expect(watched.exitCode).toBe(0);
  const ledger = new DatabaseSync(fleet.folder.ledger);
  ledger.exec("UPDATE verifications SET exit_code = 1");
  ledger.close();
  expect((await ocaptainHere("wait", "quay")).exitCode).toBe(1);
  expect((await ocaptainHere("retry", "1")).exitCode).toBe(1);
});

test("the value of a secret variable is not shown", async () => {
  process.env.GH_TOKEN = "a-very-secret-token";
  const { stdout } = await ocaptainHere("doctor");
  delete process.env.GH_TOKEN;
  expect(stdout).toMatch(/GH_TOKEN +is set/);
  expect(stdout).not.toContain("very-secret");
});
