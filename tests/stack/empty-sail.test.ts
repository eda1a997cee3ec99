import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { claudeFolder, INSTALL_MS } from "../claude/claude-cli.ts";
import { bash, steps } from "../claude/fleet.ts";
import { StandInApi } from "../claude/stand-in-api.ts";
import { type Captain, openCaptain } from "./captain.ts";

/** A sail without a plan: the real engine, Mutagen, tmux, Claude Code's own screen; a stand-in of the Messages API. */
const KEY = "sk-ant-api03-a-key-of-this-stack-0123456789";
const api = new StandInApi();
let captain: Captain;
beforeAll(async () => {
  process.env.OCAPTAIN_HARBOR_TOOLS = await claudeFolder();
  await api.start();
  process.env.ANTHROPIC_BASE_URL = api.url;
  process.env.ANTHROPIC_API_KEY = KEY;
  captain = await openCaptain();
  await captain.configure({ plan: "", ships: "", repo: captain.repo });
}, INSTALL_MS + 60_000);
afterAll(async () => {
  await captain?.close();
  await api.stop();
  for (const name of ["OCAPTAIN_HARBOR_TOOLS", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"]) delete process.env[name];
});

const onShip = async (script: string) => {
  const sprites = await captain.sprites();
  const [ship] = await sprites.list("sea-");
  return sprites.exec(ship!, ["sh", "-c", script]);
};
const screen = async () => (await onShip("tmux capture-pane -p -t =claude:")).stdout;
const order = (text: string) => onShip(`tmux send-keys -t =claude: -l '${text}'; sleep 0.3; tmux send-keys -t =claude: Enter`);
const branch = async (...args: string[]) => (await execa("git", ["--git-dir", captain.voyage.repo, ...args])).stdout;

test("up sails one ship, on which Claude Code waits on its own screen, with the repository; more ships than one, or none to work with, are refused", async () => {
  await captain.configure({ ships: 2 });
  const refused = await captain.up([], { reject: false });
  expect(refused.exitCode).not.toBe(0);
  expect(refused.all).toContain("is 2, but a sail without a plan (ocaptain:plan) has one ship");
  await captain.configure({ ships: "" });
  const up = await captain.up();
  expect(up.all).toContain("no ocaptain:plan: one ship, on which Claude Code waits for orders");
  await expect.poll(screen, { timeout: 30_000 }).toMatch(/ship-0 · voyage sea/);
  expect(api.calls).toEqual([]); // nobody has ordered anything
  expect((await onShip("cat voyage/workspace/README.md")).exitCode).toBe(0);
  const { voyage, ships } = await captain.outputs();
  expect([voyage.state, ships.length]).toEqual(["sailing", 1]);
});

test("what it does for the captain is in the mirror while it is done; up again changes nothing", async () => {
  api.script = steps(bash("echo done by order > ordered.txt"), { text: "It is done, captain." });
  await order("please write ordered.txt");
  const mirrored = join(captain.voyage.mirror("ship-0"), "ordered.txt");
  await expect.poll(() => existsSync(mirrored) && readFileSync(mirrored, "utf8"), { timeout: 30_000 }).toBe("done by order\n");
  await expect.poll(screen, { timeout: 20_000 }).toContain("It is done, captain.");
  await captain.up(["--expect-no-changes"]);
  expect(await screen()).toContain("It is done, captain.");
});

test("the session outlives its crew: what was said is still there, and the tree", async () => {
  await onShip("kill -9 $(tmux list-panes -s -t =crew -F '#{pane_pid}')");
  await expect.poll(async () => (await onShip("tmux has-session -t =claude")).exitCode, { timeout: 20_000 }).not.toBe(0);
  await captain.up();
  await expect.poll(screen, { timeout: 30_000 }).toContain("It is done, captain.");
  expect((await onShip("cat voyage/workspace/ordered.txt")).stdout).toBe("done by order\n");
});

test("destroy brings what it holds home, as a commit on the voyage's branch, and leaves nothing", async () => {
  writeFileSync(join(captain.voyage.mirror("ship-0"), "steered.txt"), "by the captain's own hand\n");
  await expect.poll(async () => (await onShip("cat voyage/workspace/steered.txt")).exitCode, { timeout: 20_000 }).toBe(0);
  await captain.destroy();
  expect(await branch("show", "sea:ordered.txt")).toBe("done by order");
  expect(await branch("show", "sea:steered.txt")).toBe("by the captain's own hand");
  expect(await branch("log", "-1", "--format=%an: %s", "sea")).toBe("ship-0: The captain's orders");
  expect(await (await captain.sprites()).list("sea-")).toEqual([]);
});

test("without a repository it begins with nothing, and what came of it is a branch all the same", async () => {
  await captain.configure({ repo: "" });
  await execa("rm", ["-rf", captain.voyage.root]);
  await captain.up();
  await expect.poll(screen, { timeout: 30_000 }).toMatch(/ship-0 · voyage sea/);
  await onShip("echo new > voyage/workspace/new.txt");
  await captain.destroy();
  expect(await branch("ls-tree", "-r", "--name-only", "sea")).toBe("new.txt");
});
