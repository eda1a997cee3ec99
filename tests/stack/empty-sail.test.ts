import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { preflight } from "../../lib/preflight/preflight.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, steps } from "../support/claude/model.ts";
import { BIN, ocaptain } from "../support/ocaptain.ts";
import { finder, findInFiles } from "../support/planted.ts";
import { openTerm } from "../support/term.ts";
import type { Captain } from "./captain.ts";
import { KEY, openClaudeCaptain } from "./claude-captain.ts";

/**
 * An empty sail in which engine, Mutagen, tmux and Claude Code's own screen are real; the Messages API is a stand-in.
 */
let sea: Awaited<ReturnType<typeof openClaudeCaptain>>;
let captain: Captain;
beforeAll(async () => {
  sea = await openClaudeCaptain();
  ({ captain } = sea);
  await captain.configure({ plan: "", ships: "", repo: captain.repo, author: "Ann Ahoy <ann@sea.example>" });
}, INSTALL_MS + 60_000);
afterAll(() => sea?.close());

const onShip = async (script: string) => {
  const sprites = await captain.sprites();
  const [ship] = await sprites.list("sea-");
  return sprites.exec(ship!, ["sh", "-c", script]);
};
const screen = async () => (await onShip("tmux capture-pane -p -t =claude:")).stdout;
/** Types an order. A text that arrives together with its Enter would be taken for pasted. */
async function order(text: string): Promise<void> {
  await onShip(`tmux send-keys -t =claude: -l '${text}'`);
  await expect.poll(screen).toContain(text);
  await onShip("tmux send-keys -t =claude: Enter");
}
const branch = async (...args: string[]) => (await execa("git", ["--git-dir", captain.voyage.repo, ...args])).stdout;

test("up sails one ship, on which Claude Code waits on its own screen, with the repository; more ships than one, or none to work with, are refused", async () => {
  // Preflight, as the program runs it, makes nothing, so no engine is needed to see what it refuses.
  const empty = { stack: captain.stack, plan: "", hand: "claude", provider: "harbor", unconfined: false } as const;
  await expect(preflight({ ...empty, repo: captain.repo, ships: 2 })).rejects.toThrow(
    "is 2, but a sail without a plan (ocaptain:plan) has one ship",
  );
  const up = await captain.up();
  expect(up.all).toContain("no ocaptain:plan: one ship, on which Claude Code waits for orders");
  await expect.poll(screen).toMatch(/ship-0 · voyage sea/);
  expect(sea.api.calls).toEqual([]); // Nobody has ordered anything yet.
  expect((await onShip("cat voyage/workspace/README.md")).exitCode).toBe(0);
  const { voyage, ships } = await captain.outputs();
  expect([voyage.state, ships.length]).toEqual(["sailing", 1]);
});

test("what it does for the captain is in the mirror while it is done; up again changes nothing", async () => {
  sea.api.script = steps(bash("echo done by order > ordered.txt"), { text: "It is done, captain." });
  await order("please write ordered.txt");
  const mirrored = join(captain.voyage.mirror("ship-0"), "ordered.txt");
  await expect.poll(() => existsSync(mirrored) && readFileSync(mirrored, "utf8")).toBe("done by order\n");
  await expect.poll(screen).toContain("It is done, captain.");
  await captain.up(["--expect-no-changes"]);
  expect(await screen()).toContain("It is done, captain.");
});

test("ocaptain answer types to it what the captain says, as one message, and nothing of it is run by a shell", async () => {
  sea.api.script = (talk) => ({ text: `Heard ${talk.prompt.length} characters.` });
  const said = `Look at $(touch pwned); '"quoted" -- \`text\` #{pane_id} ~ ö 船\nand at the second line.`;
  const told = await ocaptain("answer", "ship-0", said);
  expect(told).toMatchObject({ exitCode: 0, stdout: "typed to Claude Code on ship-0", stderr: "" });
  await expect.poll(() => sea.api.calls.at(-1)!.prompt).toContain(said);
  expect((await onShip("find . -name pwned")).stdout).toBe("");

  const long = `${"船 and captain ".repeat(250)}end`;
  const json = await ocaptain("answer", "0", "--json", "--", long);
  expect(JSON.parse(json.stdout)).toEqual({ voyage: "sea", ship: "ship-0", typed: long });
  // On a busy machine the keys arrive together, and Claude Code marks text that it takes for pasted.
  const unmarked = () => sea.api.calls.at(-1)!.prompt.replace(/\s*<\/?pasted_content[^>]*>\n*/g, "");
  await expect.poll(unmarked).toContain(long);
  const tooLong = await ocaptain("answer", "0", "x".repeat(4097));
  expect(tooLong).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/4097 characters; at most 4096/) });
});

test("ocaptain shell shows its screen, lets keys through with --write, and shows the crew's with --crew", async () => {
  const term = await openTerm({ cols: 120, rows: 30 });
  const shell = (...args: string[]) => term.enter(`${BIN} shell ${args.join(" ")}; echo "status $?"`);
  // What is typed here can reach the ship in one piece on a busy machine, and tmux takes keys of the same millisecond
  // for pasted text, in which Ctrl-b d detaches nothing.
  await onShip("tmux set-option -g assume-paste-time 0");
  try {
    await shell();
    await term.sees(/ship-0 · voyage sea/);
    await term.type("nobody reads this");
    await term.press("C-b", "d");
    await term.sees(/\[detached \(from session claude\)\]\s+status 0/);
    await shell("--write");
    await term.sees(/ship-0 · voyage sea/);
    await term.type("typed by hand");
    await term.sees(/typed by hand/);
    await term.press("Enter");
    await expect.poll(() => sea.api.calls.at(-1)!.prompt).toContain("typed by hand");
    expect(sea.api.calls.at(-1)!.prompt).not.toContain("nobody reads this");
    await term.press("C-b", "d");
    await term.sees(/\[detached \(from session claude\)\]\s+status 0/);
    await shell("--crew");
    await term.sees(/Claude Code's own screen: session/);
    await term.press("C-b", "d");
    await term.sees(/\[detached \(from session crew\)\]\s+status 0/);
  } finally {
    await term.close();
  }
});

test("its own screen keeps the end of the key: that is in a file of the ship's, beside the credentials, and nowhere else", () => {
  const finds = findInFiles(finder({ key: KEY }), captain.folder, (path) =>
    path.replace(/^h\/harbor\/s\/[0-9a-f]+\/home\//, "a ship's ~/"),
  );
  expect([...new Set(finds)].sort()).toEqual([
    "a ship's ~/.claude.json (0600): key (part)",
    "a ship's ~/voyage/crew/credentials (0600): key",
  ]);
});

test("the session outlives its crew: what was said is still there, and the tree", async () => {
  await onShip("kill -9 $(tmux list-panes -s -t =crew -F '#{pane_pid}')");
  await expect.poll(async () => (await onShip("tmux has-session -t =claude")).exitCode).not.toBe(0);
  const nobody = await ocaptain("answer", "ship-0", "are you there?");
  expect(nobody).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("no session of Claude Code is open on ship-0") });
  await captain.up();
  await expect.poll(screen).toContain("It is done, captain.");
  expect((await onShip("cat voyage/workspace/ordered.txt")).stdout).toBe("done by order\n");
});

test("destroy brings what it holds home, as a commit on the voyage's branch, and leaves nothing", async () => {
  writeFileSync(join(captain.voyage.mirror("ship-0"), "steered.txt"), "by the captain's own hand\n");
  await expect.poll(async () => (await onShip("cat voyage/workspace/steered.txt")).exitCode).toBe(0);
  await captain.destroy();
  expect(await branch("show", "sea:ordered.txt")).toBe("done by order");
  expect(await branch("show", "sea:steered.txt")).toBe("by the captain's own hand");
  expect(await branch("log", "-1", "--format=%an: %s", "sea")).toBe("Ann Ahoy: The captain's orders");
  expect(await (await captain.sprites()).list("sea-")).toEqual([]);
});

test("without a repository it begins with nothing, and what came of it is a branch all the same", async () => {
  await captain.configure({ repo: "" });
  await execa("rm", ["-rf", captain.voyage.root]);
  await captain.up();
  await expect.poll(screen).toMatch(/ship-0 · voyage sea/);
  await onShip("echo new > voyage/workspace/new.txt");
  await captain.destroy();
  expect(await branch("ls-tree", "-r", "--name-only", "sea")).toBe("new.txt");
});
