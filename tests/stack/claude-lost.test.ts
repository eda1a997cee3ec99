import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spriteName } from "../../lib/base/naming.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, diligent, steps } from "../support/claude/model.ts";
import { shipOf } from "../support/claude/self-starter.ts";
import type { Conversation, Turn } from "../support/claude/stand-in-api.ts";
import { until } from "../support/until.ts";
import { openClaudeCaptain } from "./claude-captain.ts";

/**
 * The tasks of a voyage whose ships are lost with Claude Code in mid-task. Engine, harbor ships and Mutagen are real;
 * the Messages API is a stand-in.
 */
const TASKS = [
  ...["1", "2", "3"].map((id) => ({ id })),
  // The second three give work to all ships when the lost one is back.
  ...["4", "5", "6"].map((id) => ({ id, after: ["1", "2", "3"] })),
];
/** A command that marks task 4 as done in the ship's copy of the list, and waits until that is put right. */
const FALSIFY = `f=$(echo ~/.claude/tasks/*/4.json); sed -i 's/"pending"/"completed"/w /dev/stdout' $f; for i in $(seq 300); do grep -q '"pending"' $f && break; sleep 0.1; done; grep '"status"' $f`;

let sea: Awaited<ReturnType<typeof openClaudeCaptain>>;
/** The tasks whose sessions are kept waiting for the model's answer. */
const held = new Set(["1", "2", "4", "5", "6"]);
const asked = (task: string) => sea.api.calls.filter((call) => call.task === task);
const rowOf = (status: VoyageStatus, id: string) => status.tasks.find((task) => task.id === id)!;

async function model(talk: Conversation): Promise<Turn> {
  const { task } = talk;
  const { length } = talk.results;
  if (length === 1) await until(`task ${task} may go on`, () => !held.has(task), 300_000);
  if (task === "3") return steps(bash(FALSIFY), bash("mkdir -p out; echo 3 > out/3"), complete("3"), { text: "Done." })(talk);
  // The first session of task 1 leaves half of the work, and never gets another answer.
  if (task === "1" && length === 0 && asked("1").length === 1)
    return bash("mkdir -p out; echo half > out/half; echo changed >> README.md; echo left");
  return diligent(talk);
}

beforeAll(async () => {
  sea = await openClaudeCaptain({ tasks: TASKS, config: { ships: 3, leaseSeconds: 24 } });
  sea.api.script = model;
  await sea.captain.up();
}, INSTALL_MS + 120_000);
afterAll(() => sea?.close());

const inMidTask = (...ids: string[]) =>
  expect.poll(() => ids.every((id) => asked(id).some((call) => call.results.length === 1)), { timeout: 60_000 }).toBe(true);
async function exec(ship: string, script: string) {
  const { captain } = sea;
  return (await captain.sprites()).exec(spriteName(captain.stack, await captain.voyageId(), ship), ["sh", "-c", script]);
}

test("a task that an agent falsifies on its ship is put right by Mutagen, and nothing comes of it", async () => {
  await sea.captain.until("3 done", (now) => rowOf(now, "3").status === "accepted");
  const [said] = asked("3").at(-1)!.results;
  expect(said!.text).toMatch(/"completed"[\s\S]*"status": "pending"/);
  const status = await sea.captain.until("seen", () => true);
  expect(rowOf(status, "4")).toMatchObject({ status: "pending", epoch: 0 });
});

test("everything on a ship killed while its agent works: the helm wakes it, the same session goes on in the tree as it lay, no try is lost", async () => {
  await inMidTask("1", "2");
  const { ship } = rowOf(await sea.captain.until("2 held", (now) => rowOf(now, "2").status === "claimed"), "2");
  const before = (await sea.captain.helm().voyage(await sea.captain.voyageId())).ships.find((row) => row.ship === ship)!;
  // SIGKILL ends all that belongs to the crew, by its mark, and the tmux that shows it, so that none of them can hand
  // anything back.
  const mark = `OCAPTAIN_CREW=${await sea.captain.voyageId()}/${before.incarnation}`;
  const kill = `crew=$(tmux list-panes -a -F '#{pane_pid}'); hands=$(grep -laz -x '${mark}' /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | grep -vx $$); tmux kill-server; kill -KILL $crew $hands; echo $hands`;
  expect((await exec(ship!, kill)).stdout).toMatch(/\d/);
  held.delete("2");
  const after = await sea.captain.until("2 done", (now) => rowOf(now, "2").status === "accepted");
  expect(rowOf(after, "2")).toMatchObject({ ship, epoch: 1, tries: 0, incarnation: before.incarnation });
  expect(new Set(asked("2").map((call) => call.session)).size).toBe(1);
  expect(asked("2").at(-1)!.prompt).toContain("interrupted (the crew was started again)");
});

test("a VM deleted while its agent has uncommitted work: logs and transcript are home before, the task is done once, by another ship, and the work is in refs/lost; up brings the ship back", async () => {
  const { captain } = sea;
  const claimed = await captain.until("1 held", (now) => rowOf(now, "1").status === "claimed");
  const { ship, incarnation } = rowOf(claimed, "1") as { ship: string; incarnation: string };
  expect(shipOf(asked("1")[0]!)).toBe(ship);
  const half = join(captain.voyage.mirror(ship), "out", "half");
  await expect.poll(() => existsSync(half) && readFileSync(half, "utf8")).toBe("half\n");

  // These are looked at on the captain's machine while the ship lives and its task goes on.
  const logs = join(captain.voyage.root, "logs", ship, incarnation);
  const log = join(logs, "task-1-1.log");
  const words = () => (existsSync(log) ? readFileSync(log, "utf8") : "");
  const transcript = () => {
    const folder = join(logs, "transcripts");
    const name = existsSync(folder) ? readdirSync(folder).find((file) => file.startsWith("task-1-1-")) : undefined;
    return name ? readFileSync(join(folder, name), "utf8") : "";
  };
  await expect.poll(words).toMatch(/> Bash mkdir -p out; echo half/);
  await expect.poll(transcript, { timeout: 45_000, interval: 500 }).toContain("echo half > out/half");
  expect(rowOf(await captain.until("seen", () => true), "1")).toMatchObject({ status: "claimed", epoch: 1 });

  await (await captain.sprites()).remove(spriteName(captain.stack, await captain.voyageId(), ship));
  held.delete("1");
  const redone = await captain.until("1 done", (now) => rowOf(now, "1").status === "accepted");
  const row = rowOf(redone, "1");
  // The provider no longer has the VM, so nobody waits for the lease; and the task loses no try.
  expect(row).toMatchObject({ epoch: 2, tries: 0 });
  expect(row.ship).not.toBe(ship);
  const git = async (...args: string[]) => (await execa("git", ["--git-dir", captain.voyage.repo, ...args])).stdout;
  expect(await git("for-each-ref", "--format=%(refname)", "refs/lost")).toBe("refs/lost/1/1");
  expect(await git("show", "refs/lost/1/1:out/half")).toBe("half");
  expect(await git("show", "refs/lost/1/1:README.md")).toContain("changed");
  expect(await git("log", "-1", "--format=%B", "refs/lost/1/1")).toMatch(new RegExp(`What ${ship} left of task 1 \\(epoch 1\\)`));
  expect(await git("ls-tree", "-r", "--name-only", captain.stack)).not.toContain("half");

  await captain.up();
  const all = ["4", "5", "6"];
  await inMidTask(...all);
  const back = await captain.until("three at work", (now) => all.every((id) => rowOf(now, id).status === "claimed"));
  expect(new Set(all.map((id) => rowOf(back, id).ship))).toEqual(new Set(["ship-0", "ship-1", "ship-2"]));
  expect(back.ships.find((each) => each.ship === ship)!.incarnation).not.toBe(incarnation);
  for (const id of all) held.delete(id);
  const done = await captain.until("verified", (now) => now.state === "verified");
  expect(done.tasks.map((task) => [task.id, task.epoch, task.tries])).toEqual(TASKS.map(({ id }) => [id, id === "1" ? 2 : 1, 0]));
  const subjects = (await git("log", "--format=%s", captain.stack)).split("\n").sort();
  expect(subjects).toEqual(["Start", ...TASKS.map(({ id }) => `Task ${id}`)]);
  for (const { id } of TASKS) expect(await git("show", `${captain.stack}:out/${id}`)).toBe(id);
  // What the lost life had logged is still there.
  expect(words()).toMatch(/> Bash mkdir -p out; echo half/);
  expect(transcript()).toContain("echo half > out/half");
});

test("after that, up changes nothing, and destroy leaves nothing running", async () => {
  await sea.captain.up(["--expect-no-changes"]);
  await sea.captain.destroy();
  expect(await sea.captain.processes()).toEqual([]);
});
