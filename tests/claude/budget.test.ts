import { afterEach, expect, test } from "vitest";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, diligent, steps } from "../support/claude/model.ts";
import type { Tokens, Turn } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import { ClaudeFleet } from "./fleet.ts";

let fleet: ClaudeFleet;
afterEach(() => fleet?.close());
const LONG = INSTALL_MS + 120_000;
/**
 * The tokens of an answer that costs {@link ANSWER_USD} by the pinned Claude Code's price list for opus; the first test
 * holds it to that.
 */
const DEAR: Tokens = { input: 1000, output: 2000, cacheRead: 0, cacheCreation: 0 };
const dear = (turn: Turn): Turn => ({ ...turn, tokens: DEAR });
const ANSWER_USD = 0.044;
const allTold = (now: VoyageStatus) => now.state === "done" && now.tasks.every((task) => task.usage);
/** The voyage's whole spend. It includes the ships' trials, which belong to no task and cost little. */
const spentOf = (now: VoyageStatus) => now.spend.costUsd;
const spentOnTasks = (now: VoyageStatus) => now.tasks.reduce((all, task) => all + (task.usage?.costUsd ?? 0), 0);
const askedForTasks = () => fleet.api.calls.filter((call) => call.task !== "").length;
const until = (holds: () => boolean | Promise<boolean>) => expect.poll(holds, { timeout: 60_000, interval: 50 }).toBe(true);
/**
 * Waits until the spend of all answers but the last of each ship is told: the meter is a second late, and later on a
 * busy machine.
 */
async function allButOneTold() {
  const answers = askedForTasks() - fleet.ships.length;
  await until(async () => spentOnTasks(await fleet.status()) > (answers - 0.5) * ANSWER_USD);
}
/** Once the budget is spent, waits with the model's answer until the ships have heard of that from the helm. */
async function heardWhenSpent(budgetUsd: number): Promise<void> {
  if (spentOf(await fleet.status()) >= budgetUsd) await fleet.heardOfAgain(3);
}

test(
  "a run tells what it uses while it goes on, by Claude Code's own count; its own result agrees; a run killed with its crew has cost what it told",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 1);
    const [ship] = fleet.ships as [(typeof fleet.ships)[number]];
    let hanging = true;
    fleet.api.trial = () => ({ text: "ready", tokens: { input: 100, output: 20, cacheRead: 0, cacheCreation: 0 } });
    fleet.api.script = async (talk) => {
      if (talk.results.length >= 2) await until(() => !hanging);
      return dear(steps(bash("echo 1"), bash("mkdir -p out; echo 1 > out/1"), complete("1"), { text: "done" })(talk));
    };
    const crew = fleet.start(ship);
    // The third question is on its way by then, and waits for an answer that nobody gets.
    const isAsking = (now: VoyageStatus) => now.tasks[0]!.usage?.turns === 2 && fleet.asked("1").length === 3;
    const growing = await fleet.until("two answers told, and the third asked for", isAsking);
    expect(spentOnTasks(growing)).toBeCloseTo(2 * ANSWER_USD, 6);
    expect(growing.tasks[0]!.usage).toMatchObject({ inputTokens: 2000, outputTokens: 4000 });

    // Crew and Claude Code are killed at once, before either can tell anything.
    const hands = ship.handPids();
    crew.kill("SIGKILL");
    for (const pid of hands) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {} // It has ended with another one.
    }
    await ship.ended(crew).catch(() => {});
    hanging = false;
    fleet.startAll();
    const done = await fleet.until("done", allTold);
    // A task is accepted before its run asks for the last time, so the answers are counted when the crew has ended.
    await fleet.ended(ship);
    // Nobody has the answer to one of them.
    const answers = fleet.asked("1").length - 1;
    await fleet.until("its end told", (now) => now.tasks[0]!.usage!.turns === answers);
    expect(done.tasks[0]).toMatchObject({ epoch: 1, tries: 0 });
    const { spend, tasks } = await fleet.status();
    const { usage } = tasks[0]!;
    expect(usage!.costUsd).toBeCloseTo(answers * ANSWER_USD, 6);
    expect(usage).toMatchObject({ turns: answers, outputTokens: 2000 * answers });
    expect(spend.byShip!["ship-0"]!.costUsd).toBe(spend.costUsd);
    const ofTrials = spend.costUsd - usage!.costUsd;
    expect(ofTrials, "the ship's trials count for it, and for the voyage").toBeGreaterThan(0);
    expect(ofTrials).toBeLessThan(ANSWER_USD / 4);
  },
  LONG,
);

test(
  "a gateway's model costs by the plan's prices, each answer once, also when a session is resumed: no run ends by Claude Code's own count, and one ends by the prices",
  async () => {
    const claude = { model: "qwen3-coder" };
    const prices = { "qwen3-coder": { input: 1, output: 2 } };
    const answerUsd = 0.005;
    // The first task costs 0.015 US dollars, and 0.132 by the count of Claude Code, which guesses.
    const one = { id: "1", metadata: { claude: { budgetUsd: 0.05 } } };
    const two = { id: "2", metadata: { claude: { budgetUsd: 2.5 * answerUsd } } };
    fleet = await ClaudeFleet.sail([one, two], 1, { claude, prices });
    let failures = 0;
    fleet.api.script = async (talk) => {
      if (talk.task === "2") {
        await fleet.until("all answers but one told", (now) => (now.tasks[1]!.usage?.turns ?? 0) >= talk.turns - 1);
        return dear(bash("echo more"));
      }
      // Claude Code asks four times; then its run ends and tells what its session has cost.
      if (talk.results.length === 1 && failures++ < 4)
        return { fail: { status: 529, type: "overloaded_error", message: "Overloaded" } };
      return dear(diligent(talk));
    };
    fleet.startAll();
    const [ship] = fleet.ships as [(typeof fleet.ships)[number]];
    const ended = () => /-- api: [\s\S]*, resumed\n[\s\S]*-- ended: /.test(fleet.logs(ship)["task-1-1.log"]!);
    await fleet.until("the first is done", (now) => now.tasks[0]!.status === "accepted" && ended(), 90_000);
    const blocked = await fleet.until("the second is blocked", (now) => now.tasks[1]!.status === "blocked", 90_000);
    expect(fleet.api.calls.every((call) => call.model === "qwen3-coder")).toBe(true);
    expect(blocked.tasks[0]!.usage).toMatchObject({ outputTokens: 6000, basis: "derived" });
    expect(blocked.tasks[0]!.usage!.costUsd).toBeCloseTo(3 * answerUsd, 6);
    const { usage, reason, tries } = blocked.tasks[1]!;
    expect(reason).toMatch(/^its budget of \$0\.0125 is spent: \$\S+ in 1 runs; its last run: stopped at \$0\.0125, /);
    expect([usage!.basis, tries]).toEqual(["derived", 0]);
    expect(usage!.costUsd / answerUsd, "the meter is an answer late").toBeLessThan(5.5);
    expect(blocked.spend.basis).toBe("derived");
  },
  LONG,
);

test(
  "the voyage's budget reached in the midst of six tasks on two ships: no new grant, hands end at their next gate, their work is kept; raised, it is done",
  async () => {
    const six = ["1", "2", "3", "4", "5", "6"].map((id) => ({ id }));
    // A task takes eight answers, so the budget is reached in the second tasks, by this answer.
    const reaching = 20;
    const budgetUsd = (reaching - 0.5) * ANSWER_USD;
    fleet = await ClaudeFleet.sail(six, 2, {}, { budgetUsd });
    let raised = false;
    fleet.api.script = async (talk) => {
      if (!raised) {
        // Both ships begin their second tasks together.
        if (talk.task > "2" && talk.turns === 0)
          await until(() => fleet.asked("1").length === 8 && fleet.asked("2").length === 8);
        await allButOneTold();
        await heardWhenSpent(budgetUsd);
      }
      const more = Array(5).fill(bash("echo more"));
      return dear(
        steps(bash(`mkdir -p out; echo ${talk.task} > out/${talk.task}`), ...more, complete(talk.task), { text: "done" })(talk),
      );
    };
    fleet.startAll();
    const halted = await fleet.until(
      "halted",
      (now) => now.state === "budget" && now.tasks.every((task) => task.status !== "claimed"),
    );
    const accepted = halted.tasks.filter((task) => task.status === "accepted");
    expect(accepted.length, "before it was reached").toBe(2);
    const back = halted.tasks.filter((task) => task.status === "pending" && task.epoch > 0);
    expect(back.length, "hands in the midst of a task").toBeGreaterThan(0);
    for (const task of back) {
      expect(task).toMatchObject({
        tries: 0,
        reason: expect.stringMatching(/the voyage's budget of \$\S+ is spent: \$|what was left to spend/),
      });
      const ship = fleet.ships.find(
        (each) => gitIn(fleet.at.repo, "for-each-ref", `refs/ships/${each.name}/left-${task.id}-1`) !== "",
      );
      const wrote = fleet.asked(task.id).some(({ results: [first] }) => first?.isError === false);
      if (wrote) expect(ship, `what was done of ${task.id} is kept`).toBeDefined();
    }
    const logs = fleet.ships.map((each) => JSON.stringify(fleet.logs(each))).join();
    expect(logs, "the gate has said why").toContain("Not done: the voyage's budget of $");
    // Nothing more is asked of the model, and no task is granted.
    const calls = askedForTasks();
    await fleet.heardOfAgain();
    expect(askedForTasks()).toBe(calls);
    // A ship that has not heard yet may have one answer on its way, and pay for one more before the helm knows of it.
    const after = await fleet.status();
    expect(after.state).toBe("budget");
    expect(spentOf(after)).toBeGreaterThanOrEqual(budgetUsd);
    expect(spentOf(after)).toBeLessThanOrEqual((reaching + 2 * 2 + 0.5) * ANSWER_USD);
    const answers = spentOnTasks(after) / ANSWER_USD;
    expect(Math.abs(answers - Math.round(answers)), "whole answers").toBeLessThan(1e-6);
    expect(calls - answers, "asked, and ended before the answer").toBeLessThan(2 + 1e-6);
    raised = true;

    await fleet.register(six, {}, { budgetUsd: 100 });
    const done = await fleet.until("done", allTold, 90_000);
    expect(done.tasks.map((task) => task.tries)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(fleet.delivered().sort()).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(done.spend.budgetUsd).toBe(100);
  },
  LONG,
);

test(
  "a hand that goes by tools without a gate ends, too, before it asks the model again",
  async () => {
    const two = [{ id: "1" }, { id: "2" }];
    // Both ships reach the budget together, so neither comes to the bound that its Claude Code was given.
    const reaching = 5;
    const budgetUsd = (reaching - 0.5) * ANSWER_USD;
    fleet = await ClaudeFleet.sail(two, 2, {}, { budgetUsd });
    let raised = false;
    fleet.api.script = async (talk) => {
      if (raised) return diligent(talk);
      await until(() => two.every(({ id }) => fleet.asked(id).length > talk.turns));
      await allButOneTold();
      await heardWhenSpent(budgetUsd);
      const file_path = `${fleet.ships[Number(/hand of ship-(\d)/.exec(talk.system)![1])]!.path("workspace")}/shared.txt`;
      return dear({ tools: [{ name: "Read", input: { file_path } }] });
    };
    fleet.startAll();
    const halted = await fleet.until(
      "halted",
      (now) => now.state === "budget" && now.tasks.every((task) => task.status === "pending"),
    );
    for (const task of halted.tasks)
      expect(task).toMatchObject({ tries: 0, reason: expect.stringContaining("the voyage's budget of $0.20 is spent") });
    expect(spentOf(halted)).toBeLessThanOrEqual((reaching + 2 * 2 + 0.5) * ANSWER_USD);
    raised = true;
    await fleet.register(two, {}, { budgetUsd: 10 });
    await fleet.until("done", allTold);
  },
  LONG,
);

test(
  "a task's budget over several runs: what an earlier run has spent is not there for the next, and at nothing the task is blocked",
  async () => {
    const tasks = (budgetUsd: number) => [{ id: "1", metadata: { tries: 9, claude: { budgetUsd } } }, { id: "2" }];
    fleet = await ClaudeFleet.sail(tasks(6.5 * ANSWER_USD), 1);
    let honest = false;
    fleet.api.script = (talk) => {
      if (honest || talk.task === "2") return diligent(talk);
      // The agent gives up after four answers; the next try is ended by Claude Code itself, when what was left is
      // spent.
      return dear(steps(bash("echo 1"), bash("echo 2"), bash("echo 3"), { text: "BLOCKED: not today" })(talk));
    };
    fleet.startAll();
    const blocked = await fleet.until(
      "blocked, the other done",
      ({ tasks: [one, two] }) => one!.status === "blocked" && two!.status === "accepted" && two!.usage !== undefined,
    );
    const [one] = blocked.tasks;
    expect(one).toMatchObject({
      epoch: 2,
      tries: 1,
      reason: expect.stringMatching(/^its budget of \$\S+ is spent: \$\S+ in 2 runs; its last run: stopped at \$/),
    });
    expect(one!.usage!.costUsd).toBeCloseTo(7 * ANSWER_USD, 6);
    expect(blocked.state).toBe("blocked");
    honest = true;
    // With nothing left to claim the crew ends; the next `up` starts another.
    await fleet.ended(fleet.ships[0]!);
    await fleet.register(tasks(20 * ANSWER_USD));
    fleet.startAll();
    const done = await fleet.until("done", (now) => now.state === "done" && now.tasks[0]!.usage!.costUsd > 7 * ANSWER_USD);
    expect(done.tasks[0]).toMatchObject({ status: "accepted", epoch: 3, tries: 0 });
  },
  LONG,
);
