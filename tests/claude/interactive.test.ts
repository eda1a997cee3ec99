import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "@lydell/node-pty";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, update } from "../support/claude/model.ts";
import { selfStarter, shipOf } from "../support/claude/self-starter.ts";
import { type Turn, usageLimit } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import type { TestShip } from "../support/test-ship.ts";
import { ClaudeFleet, claudePid, PATIENCE_MS, type Small, screen, taskOf } from "./fleet.ts";
import { helmThatErrs } from "./helm-that-errs.ts";

// Sessions that claim their tasks themselves. All tests share one fleet, and each brings tasks of its own, since a fleet
// costs more than what is looked at.

const LONG = INSTALL_MS + 150_000;
let fleet: ClaudeFleet;
let ship: TestShip;
let others: [TestShip, TestShip];
beforeAll(async () => {
  fleet = await ClaudeFleet.sail([], 3, { claude: { interactive: true } });
  const [first, ...more] = fleet.ships;
  [ship, others] = [first as TestShip, more as [TestShip, TestShip]];
}, LONG);
afterAll(() => fleet?.close());
/** The conversations of a ship, since the model was asked so many times. */
const askedOn = (of: TestShip, since: number) => fleet.api.calls.slice(since).filter((talk) => shipOf(talk) === of.name);

test(
  "three sessions claim by themselves, all after the same task first: each task is done once, what is held or blocked is refused, the rest is waited for",
  async () => {
    const tasks: Small[] = ["1", "2", "3", "4", "5"].map((id) => ({ id }));
    tasks.push({ id: "6", after: ["1", "2"] }, { id: "7", after: ["6"] });
    fleet.api.script = selfStarter(3);
    await fleet.goOn(tasks);
    const status = await fleet.until("done", (now) => now.state === "done" && now.tasks.every((task) => task.usage));
    for (const ship of fleet.ships) await fleet.ended(ship);
    expect(status.tasks.map((task) => [task.status, task.epoch, task.tries])).toEqual(tasks.map(() => ["accepted", 1, 0]));
    expect(fleet.delivered().sort()).toEqual(tasks.map((task) => task.id));
    for (const { id } of tasks) expect(fleet.file(`out/${id}`)).toBe(id);
    expect(status.interactive).toBe(true);
    const refusals = fleet.api.calls.flatMap((call) => call.results.filter((result) => result.isError).map(({ text }) => text));
    expect(refusals.join("\n")).toMatch(/Not yours: task 1 is held by ship-\d\. Free now: 2/);
    // What the model has to know of a task comes with the claim; the spec came with the session.
    const told = fleet.api.calls.map((call) => call.system).join("\n");
    expect(told).toContain("Every task writes its file.");
    // The logs tell in words what was on the screen, beside the transcript.
    for (const ship of fleet.ships) {
      const logs = fleet.logs(ship);
      expect(logs["session.log"]).toMatch(/ {2}> TaskUpdate taskId \d, status in_progress\n {2}[.x] TaskUpdate \d+\.\d s: /);
      expect(logs["transcripts/session"]).toContain('"type":"assistant"');
    }
    // The spend of each task is told, and the voyage's with what was said between tasks, but for a session's last
    // answer, which may not have been told.
    expect(status.tasks.every((task) => task.usage!.costUsd > 0)).toBe(true);
    const answered = fleet.api.calls.length;
    const { spend } = await fleet.until("all told", (now) => now.spend.turns >= answered - fleet.ships.length);
    expect(spend.turns).toBeLessThanOrEqual(answered);
  },
  LONG,
);

test(
  "an idle session deletes the finished task files, as is its habit: they are put right, the captain's and the ledger never change",
  async () => {
    fleet.api.script = selfStarter();
    await fleet.goOn([{ id: "8" }, { id: "9", after: ["8"] }], [ship]);
    await fleet.until("at work", (now) => taskOf(now, "8").status !== "pending");
    // A person looks on, or else the session would end with the last task.
    const terminal = spawn("tmux", ["attach-session", "-r", "-t", "=claude"], {
      env: ship.environment({ TERM: "xterm-256color" }),
    });
    try {
      let shown = "";
      terminal.onData((data) => {
        shown += data;
      });
      await fleet.until("done", (now) => now.state === "done");
      await expect
        .poll(() => [...fleet.putBack].sort(), { timeout: PATIENCE_MS })
        .toEqual(expect.arrayContaining(["ship-0/8.json", "ship-0/9.json"]));
      const put = () => ["8", "9"].map((id) => JSON.parse(readFileSync(fleet.taskFile(ship, id), "utf8")).status);
      await expect.poll(put).toEqual(["completed", "completed"]);
      const captains = ["8", "9"].map((id) => JSON.parse(readFileSync(`${fleet.at.tasks}/${id}.json`, "utf8")).status);
      expect(captains).toEqual(["completed", "completed"]);
      await fleet.accepted("8", "9");
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
  "its crew killed in mid-task: the session is resumed and goes on with the claim; an API that fails meanwhile is waited for",
  async () => {
    const phases: string[] = [];
    fleet.api.script = (talk) => {
      const resumed = talk.prompt.includes("was interrupted");
      const updates = talk.results.filter((result) => result.text.startsWith("Updated task #10")).length;
      const wrote = talk.results.some((result) => result.text.includes("written"));
      if (updates === 0) return update("10", { status: "in_progress" });
      if (!wrote) return bash("mkdir -p out; echo once >> out/10; echo written");
      if (!resumed) {
        phases.push("hang");
        return { ...bash("true"), delayMs: 60_000 };
      }
      // The API fails for longer than Claude Code itself tries.
      if (!ship.events().includes("api")) return { fail: { status: 529, type: "overloaded_error", message: "Overloaded" } };
      return updates === 1 ? complete("10") : { text: "Done." };
    };
    await fleet.goOn([{ id: "10" }], []);
    const crew = fleet.start(ship);
    await fleet.until("its third turn", () => phases.includes("hang"));
    crew.kill("SIGKILL");
    await ship.ended(crew).catch(() => {});
    fleet.start(ship);
    expect(await fleet.accepted("10")).toMatchObject([{ epoch: 1, tries: 0 }]);
    expect(fleet.file("out/10")).toBe("once");
    // The second crew has told the session from its start, and nothing twice.
    const said = () => fleet.logs(ship)["session.log"]!;
    // The helm has accepted before Claude Code has written that it asked; the log looks each second.
    await expect.poll(said).toContain("> TaskUpdate taskId 10, status completed");
    expect(said().match(/> TaskUpdate taskId 10, status in_progress/g)).toHaveLength(1);
    expect(said().match(/> Bash mkdir -p out/g)).toHaveLength(1);
    expect(fleet.api.calls.at(-1)!.prompt).toContain("The API failed. Go on where you were.");
  },
  LONG,
);

test(
  "a usage limit: told with its end, no session is nudged before, a claim that is held is kept, and who holds none takes none",
  async () => {
    const ids = ["11", "12"];
    const [holder, looker] = [ship, others[0]];
    for (const ship of [holder, looker]) fleet.credentials(ship, { CLAUDE_CODE_OAUTH_TOKEN: "sk-ant-oat01-of-this-test" });
    // In this case Claude Code does not go on by itself, and asks on the screen what to do.
    mkdirSync(join(holder.home, ".claude"), { recursive: true });
    writeFileSync(join(holder.home, ".claude/settings.json"), JSON.stringify({ autoContinueAtUsageLimit: false }));
    const work = selfStarter();
    // The limit begins when one ship holds a task and the other is about to look for one.
    let reset = 0;
    const met: string[] = [];
    const asks = new Set<string>();
    const goesOn = new Set<string>();
    const other = (set: Set<string>) => expect.poll(() => set.has(looker.name), { timeout: PATIENCE_MS }).toBe(true);
    fleet.api.script = async (talk) => {
      const name = shipOf(talk);
      const holds = talk.results.some(({ text }) => text.startsWith("Updated task #"));
      if (name === holder.name && !holds) return work(talk);
      asks.add(name);
      if (name === holder.name) await other(asks);
      if (name === holder.name) reset ||= Math.ceil(Date.now() / 1000) + 14;
      else await expect.poll(() => reset > 0, { timeout: PATIENCE_MS }).toBe(true);
      if (Date.now() / 1000 < reset) {
        met.push(name);
        return usageLimit(reset);
      }
      goesOn.add(name);
      if (name === holder.name) await other(goesOn);
      return work(talk);
    };
    await fleet.goOn([{ id: "11", metadata: { tries: 1 } }, { id: "12" }], [holder, looker]);
    const { limited, tasks } = await fleet.until("limited", (now) => now.state === "limited");
    expect(limited).toMatchObject({
      until: new Date(reset * 1000).toISOString(),
      message: expect.stringMatching(/hit your .*limit/),
    });
    const held = tasks.find((task) => ids.includes(task.id) && task.ship === holder.name)!;
    await expect.poll(() => [...met].sort()).toEqual([holder.name, looker.name]);
    const done = await fleet.accepted(...ids);
    expect(met).toHaveLength(2);
    expect(done.map((task) => [task.epoch, task.tries])).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(done.find(({ id }) => id === held.id)!.ship).toBe(holder.name);
    const told = fleet.api.calls.filter((talk) => talk.prompt.includes("The usage limit is over. Go on where you were."));
    expect(new Set(told.map(shipOf))).toEqual(new Set([holder.name]));
  },
  LONG,
);

test(
  "a token revoked in mid-task: told in Claude Code's words, not nudged; the task is given back unharmed, what lies in the tree is kept, and the next up's token is used",
  async () => {
    const token = (word: string) => fleet.credentials(ship, { CLAUDE_CODE_OAUTH_TOKEN: `sk-ant-oat01-${word}` });
    token("first");
    const REVOKED = "OAuth token has been revoked. Please obtain a new token.";
    const work = { first: selfStarter(), second: selfStarter() };
    fleet.api.script = (talk): Turn | Promise<Turn> => {
      if (talk.credential.endsWith("second")) return work.second(talk);
      const wrote = talk.results.findIndex(({ text }) => text.startsWith("Updated task #13")) + 1;
      if (wrote === 0 || wrote === talk.results.length) return work.first(talk);
      return { fail: { status: 401, type: "authentication_error", message: REVOKED } };
    };
    await fleet.goOn([{ id: "13", metadata: { tries: 1 } }], [ship]);
    const isBack = (now: VoyageStatus) => taskOf(now, "13").epoch === 1 && taskOf(now, "13").status === "pending";
    const stopped = await fleet.until("given back", isBack);
    expect(stopped).toMatchObject({ state: "limited", limited: { message: expect.stringMatching(/refused: .*revoked/) } });
    expect(taskOf(stopped, "13")).toMatchObject({
      tries: 0,
      reason: expect.stringMatching(/credentials are refused: .*revoked/),
    });
    expect(await fleet.ended(ship)).toBe(0);
    expect(gitIn(fleet.at.repo, "show", "refs/ships/ship-0/left-13-1:out/13")).toBe("13");
    expect(fleet.api.calls.at(-1)!.prompt).not.toContain("Go on where you were");
    token("second");
    await fleet.goOn([], [ship]);
    expect(await fleet.accepted("13")).toMatchObject([{ epoch: 2, tries: 0 }]);
    expect(fleet.file("out/13")).toBe("13");
  },
  LONG,
);

test(
  "a session that claims nothing is told three times that tasks are free; then its ship rests, and says why, until it is launched again",
  async () => {
    const [idler] = others;
    fleet.api.script = () => ({ text: "I would rather not." });
    const before = fleet.api.calls.length;
    await fleet.goOn([{ id: "14", metadata: { tries: 1 } }], [idler]);
    expect(await fleet.ended(idler)).toBe(0);
    expect(fleet.api.calls).toHaveLength(before + 4);
    const row = (await fleet.status()).ships.find((each) => each.ship === idler.name);
    expect(row!.unfit).toMatch(/claims nothing, though it was told 3 times/);
    expect(await fleet.task("14")).toMatchObject({ status: "pending", epoch: 0 });
  },
  LONG,
);

test(
  "a helm that answers nonsense, or fences the ship, while its session waits for work: the session ends, and the supervisor in order",
  async () => {
    // The task is still free that the session before has not claimed.
    const [, misled] = others;
    const helm = await helmThatErrs(fleet.helmUrl, misled);
    try {
      const wrong = [
        { status: 200, body: { kind: "grant" } },
        { status: 409, body: { error: "fenced", message: "for this test", holder: null } },
      ];
      fleet.api.script = () => {
        helm.claims = wrong[0]!;
        return { text: "I would rather wait." };
      };
      const ended = async () => {
        helm.claims = null;
        return misled.ended(fleet.start(misled), PATIENCE_MS);
      };
      expect(await ended()).toBe(0);
      expect(misled.events().at(-1)).toBe("nothing");
      wrong.shift();
      expect(await ended()).toBe(3);
      expect(misled.events().at(-1)).toBe("fenced");
      expect(await fleet.task("14")).toMatchObject({ status: "pending", epoch: 0 });
    } finally {
      await helm.stop();
    }
  },
  LONG,
);

test(
  "gates that are gone when its session is to start again: the ship is told unfit and works no more, the task goes back unharmed",
  async () => {
    const before = fleet.api.calls.length;
    // The session knows what it was told in earlier tests.
    const said = () => askedOn(ship, before).length;
    fleet.api.script = () => {
      if (said() === 1) return update("14", { status: "in_progress" });
      if (said() === 2) return bash("rm -r ~/voyage/crew/gates");
      return { text: "thinking", delayMs: 60_000 };
    };
    await fleet.goOn([], [ship]);
    await fleet.until("gates gone", () => said() === 3);
    process.kill(claudePid(ship)!, "SIGKILL");
    const now = await fleet.until("unfit", ({ ships }) => ships[0]?.unfit?.includes("gates of this ship do not hold") ?? false);
    expect(taskOf(now, "14").tries).toBe(0);
    expect(await fleet.ended(ship)).toBe(0);
    expect(await fleet.task("14")).toMatchObject({ status: "pending", tries: 0 });
  },
  LONG,
);
