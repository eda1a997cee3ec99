import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, diligent, steps, update } from "../support/claude/model.ts";
import type { Conversation, Turn } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import { ClaudeFleet, type Small } from "./fleet.ts";

// One ship in one voyage serves all cases: each task is a case of its own, and they are done one after the other.
const once = { tries: 1 };
const TASKS: Small[] = [
  { id: "1" },
  { id: "2", after: ["1"], metadata: { check: "echo looking at it; grep -q good out/2" } },
  { id: "3", after: ["2"], metadata: once },
  { id: "4", after: ["2"], metadata: once },
  { id: "5", after: ["2"] },
  { id: "6", after: ["2"], metadata: { check: 'a=$(cat tick); sleep 0.3; test "$a" = "$(cat tick)"' } },
  { id: "7", after: ["2"], metadata: { ...once, claude: { maxTurns: 2 } } },
  { id: "8", after: ["2"], metadata: { ...once, claude: { budgetUsd: 0.5 } } },
  { id: "9", after: ["2"], metadata: once },
];

const forbidden: [string, Turn][] = [
  ["claims a blocked task", update("2", { status: "in_progress", owner: "ship-0" })],
  ["completes another's task", update("3", { status: "completed" })],
  ["deletes a task", update("3", { status: "deleted" })],
  ["deletes its own task", update("1", { status: "deleted" })],
  ["gives it to another", update("1", { owner: "ship-7" })],
  ["rewrites its task", update("1", { description: "something easier" })],
  ["adds a task", { tools: [{ name: "TaskCreate", input: { subject: "More", description: "work" } }] }],
  ["pushes", bash("git commit -qam x && git push http://example.com/x HEAD:main")],
  ["resets to another commit", bash("git reset --hard HEAD~1")],
  ["makes a remote", bash("git remote add far http://example.com/x")],
  ["goes to an older commit", bash("git checkout -q HEAD~1")],
];

const captain = (talk: Conversation): Turn =>
  talk.prompt.includes("The captain's answers") ? diligent(talk) : { text: "I looked around.\n\nCAPTAIN: Red or green?" };

const nudge = (name: string, words: string) => `d=~/voyage/crew/nudges; mkdir -p $d; printf %s '${words}' > $d/4-1.${name}`;

const SCRIPTS: Record<string, (talk: Conversation) => Turn> = {
  "1": steps(
    ...forbidden.map(([, turn]) => turn),
    bash(
      // The same command prints what it wrote, since the copy may be back before another command could look.
      `sed -i 's/pending/completed/w /dev/stdout' ~/.claude/tasks/*/3.json; sed -i s/in_progress/completed/ ~/.claude/tasks/*/1.json`,
    ),
    // By now the copy of the ledger's task files is back.
    bash("sleep 1; cat ~/.claude/tasks/*/3.json; mkdir -p out; echo 1 > out/1"),
    complete("1"),
    bash("echo late > late.txt"),
    { text: "done" },
  ),
  "2": steps(bash("mkdir -p out; echo bad > out/2"), complete("2"), bash("echo good > out/2"), complete("2"), { text: "done" }),
  "3": () => ({ text: "I believe that I am done." }),
  "4": steps(
    // What `ocaptain nudge` leaves on a ship.
    bash(nudge("a", "Paint it red.")),
    bash("true"),
    bash(nudge("b", "There is oak.")),
    (talk) => ({ text: `Hm.\nBLOCKED: the yard has no ${talk.prompt.includes("oak") ? "wood" : "paint"}` }),
  ),
  "5": captain,
  "6": steps(
    bash("setsid sh -c 'while :; do date +%N > t; mv t tick; done' >/dev/null 2>&1 & sleep 0.5"),
    bash('a=$(cat tick); sleep 0.3; test "$a" != "$(cat tick)" && echo it ticks'),
    complete("6"),
    { text: "done" },
  ),
  "7": () => bash("true"),
  "9": steps(
    bash("verb=checkout; git $verb -q HEAD~1; mkdir -p out; echo 9 > out/9"), // The gate cannot see what this runs.
    complete("9"),
    ({ results }) => bash(/\n {2}(git add .*)\n/.exec(results[1]!.text)?.[1] ?? "echo no remedy"),
    complete("9"),
    { text: "done" },
  ),
  "8": () => ({ ...bash("true"), tokens: { input: 1e6, output: 1e6, cacheRead: 0, cacheCreation: 0 } }),
};

let fleet: ClaudeFleet;
beforeEach(async () => {
  fleet = await ClaudeFleet.sail(TASKS, 1);
}, INSTALL_MS + 60_000);
afterEach(() => fleet?.close());

describe("the gates of a ship", () => {
  test("refuse what is not the agent's to do, with reasons, and let it finish its own task", async () => {
    fleet.api.script = (talk) => SCRIPTS[talk.task]!(talk);
    fleet.startAll();
    const settled = (id: string) => (now: { tasks: { id: string; status: string }[] }) =>
      ["accepted", "blocked"].includes(now.tasks.find((task) => task.id === id)!.status);
    const ends = async (id: string) => {
      const status = await fleet.until(`task ${id} settled`, settled(id), 90_000);
      return status.tasks.find((task) => task.id === id)!;
    };
    const results = (id: string) => fleet.api.calls.findLast((call) => call.task === id)!.results;

    // Task 1: each command was refused, and none had an effect.
    expect((await ends("1")).status).toBe("accepted");
    await fleet.until("the end of its session", () => results("1").length > forbidden.length + 3);
    for (const [index, [title]] of forbidden.entries()) expect(results("1")[index], title).toMatchObject({ isError: true });
    const said = (index: number) => results("1")[index]!.text;
    expect(said(0)).toContain("Task 2 is not yours");
    expect(said(6)).toContain("no task can be added");
    expect(said(7)).toContain("pushes nowhere");
    expect(said(8)).toContain("does not reset to other commits");
    expect(said(forbidden.length)).toContain('"status": "completed"'); // The agent has falsified the file,
    expect(said(forbidden.length + 1)).toContain('"status": "pending"'); // and the copy has put it right.
    expect(results("1").at(-1)).toMatchObject({ isError: true });
    expect(results("1").at(-1)!.text).toContain("accepted: nothing that is done now counts");
    expect(gitIn(fleet.at.repo, "ls-tree", "-r", "--name-only", `${(await fleet.task("1")).commit}`)).toBe("out/1\nshared.txt");

    // Task 2: the model was told the check's output.
    expect((await ends("2")).status).toBe("accepted");
    await fleet.until("its end", () => results("2").length === 4);
    expect(results("2")[1]).toMatchObject({ isError: true });
    expect(results("2")[1]!.text).toContain("the task's check ended with exit status 1. Its output:\n\nlooking at it");
    expect(results("2")[3]!.isError).toBe(false);
    expect(fleet.file("out/2")).toBe("good");

    // Task 3: the agent was reminded once, then the task was given back.
    expect(await ends("3")).toMatchObject({ status: "blocked", reason: expect.stringContaining("I believe that I am done.") });
    const threes = fleet.api.calls.filter((call) => call.task === "3");
    expect(threes).toHaveLength(2);
    expect(threes[1]!.prompt).toContain("Task 3 is not completed. If it is done, call TaskUpdate");

    // Tasks 4 and 5: the agent says itself how they end.
    expect(await ends("4")).toMatchObject({ status: "blocked", reason: "blocked: the yard has no wood" });
    // The captain's words were told at the next command; and before the turn ended, which they put off.
    const fours = fleet.api.calls.filter((call) => call.task === "4").map((call) => JSON.stringify(call));
    expect(fours.map((prompt) => [prompt.includes("Paint it red."), prompt.includes("There is oak.")])).toEqual([
      [false, false],
      [false, false],
      [true, false],
      [true, false],
      [true, true],
    ]);
    expect(await ends("5")).toMatchObject({ status: "blocked", question: "Red or green?", tries: 0 });
    expect((await fleet.status()).state).toBe("needs-captain");
    await fleet.helm.answerTask("abc123", "5", "Green.");

    // Task 6: what ran in the background had ended when the tree was offered.
    expect((await ends("6")).status).toBe("accepted");
    expect(results("6")[1]!.text).toContain("it ticks");
    await fleet.until("its end", () => results("6").length === 3);
    expect(results("6")[2]!.isError, results("6")[2]!.text).toBe(false);
    // Tasks 7 and 8: they ended at their bounds.
    expect(await ends("7")).toMatchObject({ status: "blocked", reason: "stopped at its bound of turns, 2 (claude.maxTurns)" });
    expect(await ends("8")).toMatchObject({
      status: "blocked",
      reason: expect.stringMatching(/^its budget of \$0\.50 is spent: \$24\.00 in 1 runs; .*stopped at \$0\.5,/),
    });

    // Task 9: HEAD was off the commit that the task began from.
    expect((await ends("9")).status).toBe("accepted");
    await fleet.until("its end", () => results("9").length === 4);
    expect(results("9")[1]).toMatchObject({ isError: true });
    expect(results("9")[1]!.text).toContain("Not delivered: HEAD was moved: it is at");
    expect(results("9")[2]!.isError, results("9")[2]!.text).toBe(false);

    await fleet.until("5 done", (now) => now.tasks[4]!.status === "accepted", 60_000);
    const five = fleet.api.calls.findLast((call) => call.task === "5")!.prompt;
    expect(five).toContain("Asked: Red or green?\n  Answer: Green.");
    expect(fleet.delivered()).toEqual(["1", "2", "6", "5", "9"]);
    const subject = () => JSON.parse(readFileSync(fleet.taskFile(fleet.ships[0]!, "3"), "utf8")).subject;
    await expect.poll(subject).toContain("[blocked]");
  }, 240_000);
});
