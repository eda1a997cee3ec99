import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { diligent } from "../support/claude/model.ts";
import type { Conversation } from "../support/claude/stand-in-api.ts";
import { ClaudeFleet, claudePid, KEY, type Small } from "./fleet.ts";

let fleet: ClaudeFleet;
afterEach(() => fleet?.close());

/** Twelve tasks: one first, eight side by side, two in a row, and one last. */
const TWELVE: Small[] = [
  { id: "1" },
  ...["2", "3", "4", "5", "6", "7", "8", "9"].map((id) => ({ id, after: ["1"] })),
  { id: "10", after: ["2", "3"] },
  { id: "11", after: ["10"] },
  {
    id: "12",
    after: ["4", "5", "6", "7", "8", "9", "11"],
    metadata: { claude: { model: "sonnet", effort: "high", maxTurns: 9, budgetUsd: 3 } },
  },
];

const SEED = Number(process.env.OCAPTAIN_TEST_SEED ?? Date.now() % 1e6);

/** Returns how long a turn of a task takes: by chance, and the same for the same seed. */
const turnMs = ({ task, turns }: Conversation) =>
  createHash("sha256").update(`${SEED}/${task}/${turns}`).digest().readUInt16BE() % 1500;

test(
  `three ships with the real Claude Code work off twelve tasks, each turn as slow as chance will have it (OCAPTAIN_TEST_SEED=${SEED}): once each, in fresh sessions`,
  async () => {
    fleet = await ClaudeFleet.sail(TWELVE, 3, { claude: { model: "opus", effort: "low" } });
    /** The arguments of the running Claude Code, by task. */
    const argv: Record<string, string> = {};
    fleet.api.script = (talk) => {
      const ship = fleet.ships.find(({ name }) => talk.system.includes(`hand of ${name},`))!;
      argv[talk.task] = readFileSync(`/proc/${claudePid(ship)}/cmdline`, "utf8").replaceAll("\0", " ");
      return { ...diligent(talk), delayMs: turnMs(talk) };
    };
    fleet.startAll();
    // The helm accepts the last task before its session has ended and told the last of what it used.
    const whole = (now: VoyageStatus) => now.state === "done" && now.tasks.every((task) => task.usage?.turns === 3);
    const status = await fleet.until("done", whole, 120_000);
    for (const ship of fleet.ships) await fleet.ended(ship);

    expect(status.tasks.map((task) => task.status)).toEqual(TWELVE.map(() => "accepted"));
    expect(status.tasks.map((task) => [task.epoch, task.tries])).toEqual(TWELVE.map(() => [1, 0]));
    expect(fleet.delivered().sort((a, b) => Number(a) - Number(b))).toEqual(TWELVE.map((task) => task.id));
    expect(new Set(status.tasks.map((task) => task.ship)).size).toBe(3);
    const names = fleet.ships.flatMap((ship) => Object.keys(fleet.logs(ship)));
    const order = fleet.delivered();
    for (const { id, after = [] } of TWELVE) {
      expect(fleet.file(`out/${id}`)).toBe(id);
      // Each task was begun once, in a session of its own.
      const calls = fleet.api.calls.filter((call) => call.task === id);
      expect(calls.map((call) => call.turns)).toEqual([0, 1, 2]);
      expect(new Set(calls.map((call) => call.session)).size).toBe(1);
      expect(names.filter((name) => name.startsWith(`task-${id}-`))).toEqual([`task-${id}-1.log`]);
      // No task was delivered before those that it waits for.
      for (const blocker of after) expect(order.indexOf(blocker)).toBeLessThan(order.indexOf(id));
    }
    expect(new Set(fleet.api.calls.map((call) => call.session)).size).toBe(TWELVE.length);

    // This is what the agent was told, and how Claude Code was called.
    const first = (id: string) => fleet.api.calls.find((call) => call.task === id)!;
    expect(first("11").prompt).toContain('task 10 "Write 10"');
    expect(first("11").prompt).toContain("wrote out/10");
    expect(first("11").prompt).toContain("Every task writes its file.");
    expect(first("2").turns).toBe(0);
    expect(first("2").tools).toEqual(expect.arrayContaining(["TaskList", "TaskUpdate"]));
    expect(first("2").model).toMatch(/opus/);
    expect(first("12").model).toMatch(/sonnet/);
    expect([first("2").effort, first("12").effort]).toEqual(["low", "high"]);
    expect(argv["2"]).toMatch(/--model opus .*--effort low/);
    expect(argv["2"]).not.toMatch(/--max-turns|--max-budget-usd/);
    expect(argv["12"]).toMatch(/--model sonnet .*--effort high --max-turns 9 --max-budget-usd 3 /);
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
      const status = () => JSON.parse(readFileSync(fleet.taskFile(ship, "12"), "utf8")).status;
      await expect.poll(status).toBe("completed");
    }
  },
  INSTALL_MS + 150_000,
);
