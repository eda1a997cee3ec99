import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { diligent } from "../support/claude/model.ts";
import type { Conversation } from "../support/claude/stand-in-api.ts";
import { until } from "../support/until.ts";
import { ClaudeFleet, claudePid, KEY, PATIENCE_MS, type Small } from "./fleet.ts";

let fleet: ClaudeFleet;
afterEach(() => fleet?.close());

/** Nine tasks: one first, five side by side, two in a row, and one last. */
const NINE: Small[] = [
  { id: "1" },
  ...["2", "3", "4", "5", "6"].map((id) => ({ id, after: ["1"] })),
  { id: "7", after: ["2", "3"] },
  { id: "8", after: ["7"] },
  {
    id: "9",
    after: ["4", "5", "6", "8"],
    metadata: { claude: { model: "sonnet", effort: "high", maxTurns: 9, budgetUsd: 3 } },
  },
];

const SEED = Number(process.env.OCAPTAIN_TEST_SEED ?? Date.now() % 1e6);

/** Returns how long a turn of a task takes: by chance, and the same for the same seed. */
const turnMs = ({ task, turns }: Conversation) =>
  createHash("sha256").update(`${SEED}/${task}/${turns}`).digest().readUInt16BE() % 1500;

test(
  `three ships with the real Claude Code work off nine tasks, each turn as slow as chance will have it (OCAPTAIN_TEST_SEED=${SEED}): once each, in fresh sessions`,
  async () => {
    fleet = await ClaudeFleet.sail(NINE, 3, { claude: { model: "opus", effort: "low" } });
    /** The arguments of the running Claude Code, by task. */
    const argv: Record<string, string> = {};
    const atWork = new Set<string>();
    fleet.api.script = async (talk) => {
      const ship = fleet.ships.find(({ name }) => talk.system.includes(`hand of ${name},`))!;
      argv[talk.task] = readFileSync(`/proc/${claudePid(ship)}/cmdline`, "utf8").replaceAll("\0", " ");
      // No ship works off what the others were too slow for: each is at work before the second task is done.
      if (talk.task !== "1") atWork.add(ship.name);
      if (talk.task !== "1" && talk.results.length > 0) await until("all at work", () => atWork.size === 3, PATIENCE_MS);
      return { ...diligent(talk), delayMs: turnMs(talk) };
    };
    fleet.startAll();
    // The helm accepts the last task before its session has ended and told the last of what it used.
    const whole = (now: VoyageStatus) => now.state === "done" && now.tasks.every((task) => task.usage?.turns === 3);
    const status = await fleet.until("done", whole);
    for (const ship of fleet.ships) await fleet.ended(ship);

    expect(status.tasks.map((task) => task.status)).toEqual(NINE.map(() => "accepted"));
    expect(status.tasks.map((task) => [task.epoch, task.tries])).toEqual(NINE.map(() => [1, 0]));
    expect(fleet.delivered().sort((a, b) => Number(a) - Number(b))).toEqual(NINE.map((task) => task.id));
    expect(new Set(status.tasks.map((task) => task.ship)).size).toBe(3);
    const names = fleet.ships.flatMap((ship) => Object.keys(fleet.logs(ship)));
    const order = fleet.delivered();
    for (const { id, after = [] } of NINE) {
      expect(fleet.file(`out/${id}`)).toBe(id);
      // Each task was begun once, in a session of its own.
      const calls = fleet.api.calls.filter((call) => call.task === id);
      expect(calls.map((call) => call.turns)).toEqual([0, 1, 2]);
      expect(new Set(calls.map((call) => call.session)).size).toBe(1);
      expect(names.filter((name) => name.startsWith(`task-${id}-`))).toEqual([`task-${id}-1.log`]);
      // No task was delivered before those that it waits for.
      for (const blocker of after) expect(order.indexOf(blocker)).toBeLessThan(order.indexOf(id));
    }
    expect(new Set(fleet.api.calls.map((call) => call.session)).size).toBe(NINE.length);

    // This is what the agent was told, and how Claude Code was called.
    const first = (id: string) => fleet.api.calls.find((call) => call.task === id)!;
    expect(first("8").prompt).toContain('task 7 "Write 7"');
    expect(first("8").prompt).toContain("wrote out/7");
    expect(first("8").prompt).toContain("Every task writes its file.");
    expect(first("2").turns).toBe(0);
    expect(first("2").tools).toEqual(expect.arrayContaining(["TaskList", "TaskUpdate"]));
    expect(first("2").model).toMatch(/opus/);
    expect(first("9").model).toMatch(/sonnet/);
    expect([first("2").effort, first("9").effort]).toEqual(["low", "high"]);
    expect(argv["2"]).toMatch(/--model opus .*--effort low/);
    expect(argv["2"]).not.toMatch(/--max-turns|--max-budget-usd/);
    expect(argv["9"]).toMatch(/--model sonnet .*--effort high --max-turns 9 --max-budget-usd 3 /);
    expect(first("2").system).toContain("You hold task 2");

    // This is what it cost, and what is left to read.
    for (const task of status.tasks) {
      expect(task.usage).toMatchObject({ turns: 3, inputTokens: 300, outputTokens: 60, cacheReadTokens: 1500 });
      expect(task.usage!.costUsd).toBeGreaterThan(0);
      const logs = fleet.logs(fleet.ships.find((ship) => ship.name === task.ship)!);
      expect(logs[`task-${task.id}-1.log`]).toMatch(/> Bash mkdir -p out.*\n.*\. Bash .*\n {2}> TaskUpdate/);
      expect(logs[`task-${task.id}-1.log`]).toContain(`Task ${task.id} is done.`);
      expect(logs[`transcripts/task-${task.id}-1`]).toContain('"type":"assistant"');
    }
    for (const ship of fleet.ships) {
      expect(ship.output + JSON.stringify(fleet.logs(ship))).not.toContain(KEY);
      // The copy carries the last state a moment after the helm has written it.
      const status = () => JSON.parse(readFileSync(fleet.taskFile(ship, "9"), "utf8")).status;
      await expect.poll(status).toBe("completed");
    }
  },
  INSTALL_MS + 150_000,
);
