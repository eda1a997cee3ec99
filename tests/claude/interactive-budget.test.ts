import { afterAll, beforeAll, expect, test } from "vitest";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, update } from "../support/claude/model.ts";
import { selfStarter } from "../support/claude/self-starter.ts";
import type { Turn } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import type { TestShip } from "../support/test-ship.ts";
import { ClaudeFleet, claudePid, PATIENCE_MS, taskOf } from "./fleet.ts";

// What an interactive session does when a budget is spent. All tests are of one ship and its one session, and each brings
// tasks of its own, since a fleet costs more than what is looked at.

const LONG = INSTALL_MS + 120_000;
let fleet: ClaudeFleet;
let ship: TestShip;
beforeAll(async () => {
  fleet = await ClaudeFleet.sail([], 1, { claude: { interactive: true } });
  [ship] = fleet.ships as [TestShip];
}, LONG);
afterAll(() => fleet?.close());
/** The tokens of an answer that costs {@link ANSWER_USD}; budget.test.ts holds it to that. */
const DEAR = { input: 1000, output: 2000, cacheRead: 0, cacheCreation: 0 };
const ANSWER_USD = 0.044;
const journal = () => fleet.logs(ship)["supervisor.jsonl"]!;
const sessions = () => new Set(fleet.api.calls.map((talk) => talk.session)).size;
const read = (): Turn => ({
  tools: [{ name: "Read", input: { file_path: `${ship.path("workspace")}/shared.txt` } }],
});

async function spent(): Promise<void> {
  await expect.poll(async () => (await fleet.status()).state, { timeout: PATIENCE_MS }).toBe("budget");
  await fleet.heardOfAgain(3); // The ship that told the last spend has heard the answer by then.
}

/** What the voyage may spend from now on, in USD, so that it is reached with this answer's tokens of {@link DEAR}. */
const reachedBy = async (answers: number) => ({ budgetUsd: (await fleet.status()).spend.costUsd + (answers - 0.5) * ANSWER_USD });
/** How often the session has ended by the voyage's budget. */
const ends = () => journal().match(/the session is ended: the voyage's budget of \$/g)?.length ?? 0;

/**
 * Makes a model that claims a task, then says one turn after the other, the last one again and again. Each comes when
 * the spend of the one before is told, and each is so dear that a budget is soon reached.
 */
function dearly(id: string, ...turns: Turn[]) {
  let said = 0;
  return async (): Promise<Turn> => {
    if (said++ === 0) return update(id, { status: "in_progress" });
    // The answers since the claim, without this one.
    const answers = said - 2;
    const told = async () => {
      const now = await fleet.status();
      const { status, usage } = taskOf(now, id);
      return now.state === "budget" || status !== "claimed" || (usage?.costUsd ?? 0) > (answers - 0.5) * ANSWER_USD;
    };
    await expect.poll(told, { timeout: PATIENCE_MS, interval: 50 }).toBe(true);
    return { ...turns[Math.min(answers, turns.length - 1)]!, tokens: DEAR };
  };
}

test(
  "what an interactive session says while it holds no task is told as it goes on, and a budget that it reaches ends it",
  async () => {
    fleet.api.script = async (talk): Promise<Turn> => {
      if (talk.turns === 0) return { text: "Let me think.", tokens: DEAR };
      await spent();
      return bash("echo on and on");
    };
    await fleet.goOn([{ id: "1" }], [ship], await reachedBy(1));
    await expect.poll(ends, { timeout: PATIENCE_MS }).toBe(1);
    // Whether the gate refuses the next tool before that is chance; that it refuses is shown by the next test.
    const { state, tasks, spend } = await fleet.status();
    expect([state, tasks[0]!.epoch]).toEqual(["budget", 0]);
    expect(spend.costUsd).toBeGreaterThanOrEqual(ANSWER_USD);
    expect(spend.costUsd).toBeLessThan(1.5 * ANSWER_USD);
  },
  LONG,
);

test(
  "the voyage's budget reached while an interactive session holds a task: refused at the next gate, ended, given back without a try, its work kept; raised, the same session does it",
  async () => {
    fleet.api.script = dearly("1", bash("mkdir -p out; echo half > out/1"), bash("echo more"));
    await fleet.follow(await reachedBy(4));
    const halted = await fleet.until(
      "given back",
      (now) => now.state === "budget" && taskOf(now, "1").epoch === 1 && taskOf(now, "1").status === "pending",
    );
    expect(taskOf(halted, "1")).toMatchObject({
      tries: 0,
      reason: expect.stringMatching(/the voyage's budget of \$\S+ is spent: \$|what was left to spend/),
    });
    expect(journal()).toMatch(/gate: Bash refused: Not done: (the voyage's budget of \$|stopped at \$)/);
    expect(gitIn(fleet.at.repo, "show", "refs/ships/ship-0/left-1-1:out/1")).toBe("half");
    await expect.poll(() => claudePid(ship)).toBeUndefined();
    const calls = fleet.api.calls.length;
    await fleet.heardOfAgain();
    expect(fleet.api.calls).toHaveLength(calls);
    expect((await fleet.task("1")).usage!.costUsd).toBeLessThanOrEqual((4 + 2 + 0.5) * ANSWER_USD);

    fleet.api.script = selfStarter();
    await fleet.follow();
    expect(await fleet.accepted("1")).toMatchObject([{ epoch: 2, tries: 0 }]);
    expect(fleet.file("out/1")).toBe("1");
    expect(sessions()).toBe(1);
    expect(fleet.api.calls.at(-1)!.prompt).toContain("You hold no task");
  },
  LONG,
);

test(
  "a task that is complete when the budget is spent is still taken, and no other is begun",
  async () => {
    const before = ends();
    const one = dearly("2", bash("mkdir -p out; echo 2 > out/2"), bash("echo 2"), bash("echo 3"), bash("echo 4"), complete("2"));
    fleet.api.script = async () => {
      const turn = await one();
      if (turn.tools?.[0]?.input.status !== "completed") return turn;
      await spent();
      return turn;
    };
    await fleet.goOn([{ id: "2" }, { id: "3" }], [ship], await reachedBy(4));
    const halted = await fleet.until("accepted", (now) => taskOf(now, "2").status === "accepted");
    expect(halted.state).toBe("budget");
    await expect.poll(ends).toBe(before + 1);
    expect(fleet.file("out/2")).toBe("2");
    expect(await fleet.task("3")).toMatchObject({ status: "pending", epoch: 0 });
    const calls = fleet.api.calls.length;
    await fleet.heardOfAgain();
    expect(fleet.api.calls).toHaveLength(calls);
  },
  LONG,
);

test(
  "a task's own budget reached by tools that change no claim: the task is blocked, costs no try, and the session goes on with the others",
  async () => {
    const one = dearly("4", bash("mkdir -p out; echo half > out/4"), read());
    const turns = [update("3", { status: "in_progress" }), bash("mkdir -p out; echo 3 > out/3"), complete("3")];
    const isOver = () => journal().includes("the session is ended: stopped at $");
    fleet.api.script = async () => (isOver() ? (turns.shift() ?? { text: "Done." }) : one());
    await fleet.follow({}, [{ id: "4", metadata: { claude: { budgetUsd: 3.5 * ANSWER_USD } } }]);
    const ended = await fleet.until("the other done", (now) => taskOf(now, "3").status === "accepted");
    const four = taskOf(ended, "4");
    expect(four).toMatchObject({
      status: "blocked",
      epoch: 1,
      tries: 0,
      reason: expect.stringMatching(
        /^its budget of \$\S+ is spent: \$\S+ in 1 runs; its last run: stopped at \$\S+, what was left to spend$/,
      ),
    });
    expect(four.usage!.costUsd).toBeLessThanOrEqual((4 + 1 + 0.5) * ANSWER_USD);
    expect(journal()).toContain("gate: Read refused: Not done: stopped at $");
    expect(gitIn(fleet.at.repo, "show", "refs/ships/ship-0/left-4-1:out/4")).toBe("half");
    expect(fleet.delivered()).toEqual(["1", "2", "3"]);
    expect(sessions()).toBe(1);
  },
  LONG,
);
