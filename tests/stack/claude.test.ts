import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { diligent } from "../support/claude/model.ts";
import { diamond } from "../support/plan.ts";
import type { Captain } from "./captain.ts";
import { KEY, openClaudeCaptain } from "./claude-captain.ts";

/**
 * A second key, for the change of credentials. Engine, harbor ships, Mutagen and Claude Code are real in these tests;
 * the Messages API is a stand-in.
 */
const OTHER = "sk-ant-api03-another-key-of-this-stack-9876543210";
let sea: Awaited<ReturnType<typeof openClaudeCaptain>>;
let captain: Captain;
beforeAll(async () => {
  sea = await openClaudeCaptain({ tasks: diamond(5), config: { ships: 2, leaseSeconds: 24, budgetUsd: 50 } });
  ({ captain } = sea);
  process.env.ANTHROPIC_API_KEY = "sk-ant-api03-wrong-00000000";
  const { api } = sea;
  api.script = diligent;
  api.trial = (talk) =>
    talk.credential.includes("wrong")
      ? { fail: { status: 401, type: "authentication_error", message: "invalid x-api-key" } }
      : { text: "ready" };
}, INSTALL_MS + 60_000);
afterAll(() => sea?.close());

test("a token that is refused: up fails, names each ship, with Claude Code's own words, and no task is begun; the next up brings the right one, and the plan is worked off", async () => {
  const refused = await captain.up([], { reject: false });
  expect(refused.exitCode).not.toBe(0);
  for (const ship of ["ship-0", "ship-1"])
    expect(refused.all).toMatch(new RegExp(`${ship} .* cannot work: Claude Code's credentials are refused: Invalid API key`));
  const { tasks } = await captain.until("seen", () => true);
  expect(tasks.map((task) => [task.status, task.epoch])).toEqual(Array(5).fill(["pending", 0]));
  process.env.ANTHROPIC_API_KEY = KEY;
  expect(String((await captain.up()).stdout)).toMatch(/~ 2 updated/);
  const status = await captain.until(
    "verified",
    (now) => now.state === "verified" && now.tasks.every((task) => task.usage),
    120_000,
  );
  expect(status.tasks.map((task) => [task.status, task.tries])).toEqual(Array(5).fill(["accepted", 0]));
  expect(status.tasks.every((task) => task.usage!.costUsd > 0)).toBe(true);
  const files = await execa("git", ["--git-dir", captain.voyage.repo, "ls-tree", "-r", "--name-only", captain.stack]);
  expect(files.stdout.split("\n")).toEqual(["README.md", "out/1", "out/2", "out/3", "out/4", "out/5"]);
});

test("up again changes nothing; what the voyage has spent is in the outputs; another budget changes the helm alone", async () => {
  await captain.up(["--expect-no-changes"]);
  const { spend } = await captain.outputs();
  const status = await captain.helm().voyage(await captain.voyageId());
  expect(spend).toEqual(status.spend);
  expect(spend).toMatchObject({ budgetUsd: 50, outputTokens: expect.any(Number) });
  const ofTasks = status.tasks.reduce((all, task) => all + task.usage!.costUsd, 0);
  expect(spend!.costUsd).toBeGreaterThanOrEqual(ofTasks - 1e-9);
  expect(Object.keys(spend!.byShip!)).toEqual([...new Set(status.tasks.map((task) => task.ship))].sort());
  await captain.configure({ budgetUsd: 60 });
  expect(String((await captain.up()).stdout)).toMatch(/~ 1 updated/);
  expect((await captain.outputs()).spend).toMatchObject({ budgetUsd: 60 });
});

test("the token is in no state and no log, and on a ship in one 0600 file", async () => {
  const state = JSON.stringify(await captain.state());
  expect(state).toContain("credentialsDigest");
  expect(state).not.toContain(KEY);
  const found = await execa("grep", ["-rlF", KEY, captain.folder], { reject: false });
  const places = String(found.stdout).split("\n").filter(Boolean);
  expect(places).toHaveLength(2);
  for (const place of places) {
    expect(place).toMatch(/\/h\/harbor\/s\/[0-9a-f]+\/home\/voyage\/crew\/credentials$/);
    expect(statSync(place).mode & 0o777).toBe(0o600);
  }
});

test("the transcripts and what people read are at the captain", async () => {
  const files = async () =>
    (await execa("find", [join(captain.voyage.root, "logs"), "-name", "task-5-*", "-type", "f"])).stdout.split("\n");
  const transcripts = async () => (await files()).filter((file) => /transcripts\/task-5-\d+-[0-9a-f-]{36}\.jsonl$/.test(file));
  await expect.poll(transcripts, { timeout: 60_000, interval: 500 }).toHaveLength(1);
  expect(readFileSync((await files()).find((file) => file.endsWith(".log"))!, "utf8")).toContain("> TaskUpdate");
});

test("another token is an update of the launches alone", async () => {
  process.env.ANTHROPIC_API_KEY = OTHER;
  const up = await captain.up();
  expect(String(up.stdout)).toMatch(/~ 2 updated/);
  const found = await execa("grep", ["-rlF", OTHER, captain.folder], { reject: false });
  expect(String(found.stdout).split("\n").filter(Boolean)).toHaveLength(2);
  await captain.destroy();
});
