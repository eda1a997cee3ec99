import { readFileSync } from "node:fs";
import { spawn } from "@lydell/node-pty";
import { afterEach, expect, test } from "vitest";
import type { TestShip } from "../crew/test-ship.ts";
import { INSTALL_MS } from "./claude-cli.ts";
import { bash, ClaudeFleet, complete, type Small, screen, update } from "./fleet.ts";
import { selfStarter } from "./self-starter.ts";

let fleet: ClaudeFleet;
afterEach(() => fleet?.close());
const LONG = INSTALL_MS + 150_000;
const INTERACTIVE = { claude: { interactive: true } };

test(
  "three sessions claim by themselves, all after the same task first: each task is done once, what is held or blocked is refused, the rest is waited for",
  async () => {
    const tasks: Small[] = ["1", "2", "3", "4", "5"].map((id) => ({ id }));
    tasks.push({ id: "6", after: ["1", "2"] }, { id: "7", after: ["6"] });
    fleet = await ClaudeFleet.sail(tasks, 3, INTERACTIVE);
    fleet.api.script = selfStarter(3);
    fleet.startAll();
    const status = await fleet.until("done", (now) => now.state === "done" && now.tasks.every((task) => task.usage), 120_000);
    for (const ship of fleet.ships) await fleet.ended(ship);
    expect(status.tasks.map((task) => [task.status, task.epoch, task.tries])).toEqual(tasks.map(() => ["accepted", 1, 0]));
    expect(fleet.delivered().sort()).toEqual(tasks.map((task) => task.id));
    for (const { id } of tasks) expect(fleet.file(`out/${id}`)).toBe(id);
    expect(status.interactive).toBe(true);
    const refusals = fleet.api.calls.flatMap((call) => call.results.filter((result) => result.isError).map(({ text }) => text));
    expect(refusals.join("\n")).toMatch(/Not yours: task 1 is held by ship-\d\. Free now: 2/);
    // What it is to know comes with the claim, after the spec that came with the session.
    const told = fleet.api.calls.map((call) => call.system).join("\n");
    expect(told).toContain("Every task writes its file.");
    // What was on the screen is in the logs, in words, beside the transcript.
    for (const ship of fleet.ships) {
      const logs = fleet.logs(ship);
      expect(logs["session.log"]).toMatch(/ {2}> TaskUpdate taskId \d, status in_progress\n {2}[.x] TaskUpdate \d+\.\d s: /);
      expect(logs["transcripts/session"]).toContain('"type":"assistant"');
    }
    // Each task's part, and all of them together with what was said between them; of a session's last answer it may not have told when it ended.
    expect(status.tasks.every((task) => task.usage!.costUsd > 0)).toBe(true);
    const answered = fleet.api.calls.length + fleet.ships.length;
    const { spend } = await fleet.until("all told", (now) => now.spend.turns >= answered - fleet.ships.length);
    expect(spend.turns).toBeLessThanOrEqual(answered);
  },
  LONG,
);

test(
  "an idle session deletes the finished task files, as is its habit: they are put right, the captain's and the ledger never change",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }, { id: "2", after: ["1"] }], 1, INTERACTIVE);
    const [ship] = fleet.ships as [TestShip];
    fleet.api.script = selfStarter();
    fleet.startAll();
    await fleet.until("at work", (now) => now.tasks[0]!.status !== "pending");
    // Somebody looks on, or the session would end with the last task.
    const terminal = spawn("tmux", ["attach-session", "-r", "-t", "=claude"], {
      env: ship.environment({ TERM: "xterm-256color" }),
    });
    try {
      let shown = "";
      terminal.onData((data) => {
        shown += data;
      });
      await fleet.until("done", (now) => now.state === "done");
      await expect.poll(() => [...fleet.putBack].sort(), { timeout: 60_000 }).toEqual(["ship-0/1.json", "ship-0/2.json"]);
      const put = () => ["1", "2"].map((id) => JSON.parse(readFileSync(fleet.taskFile(ship, id), "utf8")).status);
      await expect.poll(put, { timeout: 10_000 }).toEqual(["completed", "completed"]);
      const captains = ["1", "2"].map((id) => JSON.parse(readFileSync(`${fleet.at.tasks}/${id}.json`, "utf8")).status);
      expect(captains).toEqual(["completed", "completed"]);
      expect((await fleet.status()).tasks.map((task) => task.status)).toEqual(["accepted", "accepted"]);
      expect(shown).toContain("Claude Code");
      expect(screen(ship)).toMatch(/ship-0 · no task · \$0\.\d\d/);
    } finally {
      terminal.kill();
    }
    expect(await fleet.ended(ship)).toBe(0);
  },
  LONG,
);

test(
  "a session that claims nothing is told three times that tasks are free; then its ship rests, and says why, until it is launched again",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 1, INTERACTIVE);
    const [ship] = fleet.ships as [TestShip];
    fleet.api.script = () => ({ text: "I would rather not." });
    fleet.startAll();
    expect(await fleet.ended(ship, 90_000)).toBe(0);
    expect(fleet.api.calls).toHaveLength(4);
    const [row] = (await fleet.status()).ships;
    expect(row!.unfit).toMatch(/claims nothing, though it was told 3 times/);
    expect(await fleet.task("1")).toMatchObject({ status: "pending", epoch: 0 });
  },
  LONG,
);

test(
  "its crew killed in mid-task: the session is resumed and goes on with the claim; an API that fails meanwhile is waited for",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 1, INTERACTIVE);
    const [ship] = fleet.ships as [TestShip];
    const phases: string[] = [];
    fleet.api.script = (talk) => {
      const resumed = talk.prompt.includes("was interrupted");
      const updates = talk.results.filter((result) => result.text.startsWith("Updated task #1")).length;
      const wrote = talk.results.some((result) => result.text.includes("written"));
      if (updates === 0) return update("1", { status: "in_progress" });
      if (!wrote) return bash("mkdir -p out; echo once >> out/1; echo written");
      if (!resumed) {
        phases.push("hang");
        return { ...bash("true"), delayMs: 60_000 };
      }
      // For longer than Claude Code itself tries.
      if (!ship.events().includes("api")) return { fail: { status: 529, type: "overloaded_error", message: "Overloaded" } };
      return updates === 1 ? complete("1") : { text: "Done." };
    };
    const crew = fleet.start(ship);
    await fleet.until("its third turn", () => phases.includes("hang"));
    crew.kill("SIGKILL");
    await ship.ended(crew).catch(() => {});
    fleet.start(ship);
    const status = await fleet.until("done", (now) => now.state === "done", 90_000);
    expect(status.tasks[0]).toMatchObject({ epoch: 1, tries: 0 });
    expect(fleet.file("out/1")).toBe("once");
    // Told from its start by the second crew, nothing twice.
    const said = () => fleet.logs(ship)["session.log"]!;
    // The helm has accepted before Claude Code has written that it asked; the log looks each second.
    await expect.poll(said, { timeout: 20_000 }).toContain("> TaskUpdate taskId 1, status completed");
    expect(said().match(/> TaskUpdate taskId 1, status in_progress/g)).toHaveLength(1);
    expect(said().match(/> Bash mkdir -p out/g)).toHaveLength(1);
    expect(fleet.api.calls.at(-1)!.prompt).toContain("The API failed. Go on where you were.");
  },
  LONG,
);
