import { afterEach, expect, test } from "vitest";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, update } from "../support/claude/model.ts";
import { selfStarter } from "../support/claude/self-starter.ts";
import type { Turn } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import type { TestShip } from "../support/test-ship.ts";
import { ClaudeFleet, claudePid } from "./fleet.ts";

let fleet: ClaudeFleet;
afterEach(() => fleet?.close());
const LONG = INSTALL_MS + 120_000;
const INTERACTIVE = { claude: { interactive: true } };
/** The tokens of an answer that costs {@link ANSWER_USD}; budget.test.ts holds it to that. */
const DEAR = { input: 1000, output: 2000, cacheRead: 0, cacheCreation: 0 };
const ANSWER_USD = 0.044;
const spentOnTasks = (now: VoyageStatus) => now.tasks.reduce((all, task) => all + (task.usage?.costUsd ?? 0), 0);
const journal = (ship: TestShip) => fleet.logs(ship)["supervisor.jsonl"]!;
const sessions = () => new Set(fleet.api.calls.map((talk) => talk.session)).size;
const read = (ship: TestShip): Turn => ({
  tools: [{ name: "Read", input: { file_path: `${ship.path("workspace")}/shared.txt` } }],
});

async function spent(): Promise<void> {
  await expect.poll(async () => (await fleet.status()).state, { timeout: 60_000 }).toBe("budget");
  await fleet.heardOfAgain(3); // The ship that told the last spend has heard the answer by then.
}

/**
 * Makes a model that claims task 1, then says one turn after the other, the last one again and again. Each comes when
 * the spend of the one before is told, and each is so dear that a budget is soon reached.
 */
function dearly(...turns: Turn[]) {
  let said = 0;
  return async (): Promise<Turn> => {
    if (said++ === 0) return update("1", { status: "in_progress" });
    // The answers since the claim, without this one.
    const answers = said - 2;
    const told = async () => {
      const now = await fleet.status();
      return now.state === "budget" || now.tasks[0]!.status !== "claimed" || spentOnTasks(now) > (answers - 0.5) * ANSWER_USD;
    };
    await expect.poll(told, { timeout: 60_000, interval: 50 }).toBe(true);
    return { ...turns[Math.min(answers, turns.length - 1)]!, tokens: DEAR };
  };
}

test(
  "the voyage's budget reached while an interactive session holds a task: refused at the next gate, ended, given back without a try, its work kept; raised, the same session does it",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 1, INTERACTIVE, { budgetUsd: 3.5 * ANSWER_USD });
    const [ship] = fleet.ships as [TestShip];
    fleet.api.script = dearly(bash("mkdir -p out; echo half > out/1"), bash("echo more"));
    fleet.startAll();
    const halted = await fleet.until("given back", (now) => now.state === "budget" && now.tasks[0]!.status === "pending");
    expect(halted.tasks[0]).toMatchObject({
      epoch: 1,
      tries: 0,
      reason: expect.stringMatching(/the voyage's budget of \$\S+ is spent: \$|what was left to spend/),
    });
    expect(journal(ship)).toMatch(/gate: Bash refused: Not done: (the voyage's budget of \$|stopped at \$)/);
    expect(gitIn(fleet.at.repo, "show", "refs/ships/ship-0/left-1-1:out/1")).toBe("half");
    expect(claudePid(ship)).toBeUndefined();
    const calls = fleet.api.calls.length;
    await fleet.heardOfAgain();
    expect(fleet.api.calls).toHaveLength(calls);
    expect(spentOnTasks(await fleet.status())).toBeLessThanOrEqual((4 + 2 + 0.5) * ANSWER_USD);

    fleet.api.script = selfStarter();
    await fleet.register([{ id: "1" }], INTERACTIVE, { budgetUsd: 100 });
    const done = await fleet.until("done", (now) => now.state === "done");
    expect(done.tasks[0]).toMatchObject({ epoch: 2, tries: 0 });
    expect(fleet.file("out/1")).toBe("1");
    expect(sessions()).toBe(1);
    expect(fleet.api.calls.at(-1)!.prompt).toContain("You hold no task");
  },
  LONG,
);

test(
  "a task's own budget reached by tools that change no claim: the task is blocked, costs no try, and the session goes on with the others",
  async () => {
    const tasks = [{ id: "1", metadata: { claude: { budgetUsd: 3.5 * ANSWER_USD } } }, { id: "2" }];
    fleet = await ClaudeFleet.sail(tasks, 1, INTERACTIVE);
    const [ship] = fleet.ships as [TestShip];
    const one = dearly(bash("mkdir -p out; echo half > out/1"), read(ship));
    const turns = [update("2", { status: "in_progress" }), bash("mkdir -p out; echo 2 > out/2"), complete("2")];
    fleet.api.script = async (talk) => (talk.prompt.includes("You hold no task") ? (turns.shift() ?? { text: "Done." }) : one());
    fleet.startAll();
    const ended = await fleet.until("the other done", (now) => now.tasks[1]!.status === "accepted");
    expect(ended.tasks[0]).toMatchObject({
      status: "blocked",
      epoch: 1,
      tries: 0,
      reason: expect.stringMatching(
        /^its budget of \$\S+ is spent: \$\S+ in 1 runs; its last run: stopped at \$\S+, what was left to spend$/,
      ),
    });
    expect(ended.tasks[0]!.usage!.costUsd).toBeLessThanOrEqual((4 + 1 + 0.5) * ANSWER_USD);
    expect(journal(ship)).toContain("gate: Read refused: Not done: stopped at $");
    expect(gitIn(fleet.at.repo, "show", "refs/ships/ship-0/left-1-1:out/1")).toBe("half");
    expect(fleet.delivered()).toEqual(["2"]);
    expect(sessions()).toBe(1);
  },
  LONG,
);

test(
  "what an interactive session says while it holds no task is told as it goes on, and a budget that it reaches ends it",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 1, INTERACTIVE, { budgetUsd: 0.5 * ANSWER_USD });
    const [ship] = fleet.ships as [TestShip];
    fleet.api.script = async (talk): Promise<Turn> => {
      if (talk.turns === 0) return { text: "Let me think.", tokens: DEAR };
      await spent();
      return bash("echo on and on");
    };
    fleet.startAll();
    await expect.poll(() => journal(ship), { timeout: 60_000 }).toContain("the session is ended: the voyage's budget of $");
    // Whether the gate refuses the next tool before that is chance; that it refuses is shown by the first test here.
    const { state, tasks, spend } = await fleet.status();
    expect([state, tasks[0]!.epoch]).toEqual(["budget", 0]);
    expect(spend.costUsd).toBeGreaterThanOrEqual(ANSWER_USD);
    expect(spend.costUsd).toBeLessThan(1.5 * ANSWER_USD);
  },
  LONG,
);

test(
  "a task that is complete when the budget is spent is still taken, and no other is begun",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }, { id: "2" }], 1, INTERACTIVE, { budgetUsd: 3.5 * ANSWER_USD });
    const [ship] = fleet.ships as [TestShip];
    const one = dearly(bash("mkdir -p out; echo 1 > out/1"), bash("echo 2"), bash("echo 3"), bash("echo 4"), complete("1"));
    fleet.api.script = async () => {
      const turn = await one();
      if (turn.tools?.[0]?.input.status !== "completed") return turn;
      await spent();
      return turn;
    };
    fleet.startAll();
    const halted = await fleet.until("accepted", (now) => now.tasks[0]!.status === "accepted");
    expect(halted.state).toBe("budget");
    await expect.poll(() => journal(ship)).toContain("the session is ended: the voyage's budget of $");
    expect(fleet.file("out/1")).toBe("1");
    expect(await fleet.task("2")).toMatchObject({ status: "pending", epoch: 0 });
    const calls = fleet.api.calls.length;
    await fleet.heardOfAgain();
    expect(fleet.api.calls).toHaveLength(calls);
  },
  LONG,
);
