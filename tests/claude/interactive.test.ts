import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "@lydell/node-pty";
import { afterEach, expect, test } from "vitest";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, update } from "../support/claude/model.ts";
import { selfStarter, shipOf } from "../support/claude/self-starter.ts";
import { type Turn, usageLimit } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import type { TestShip } from "../support/test-ship.ts";
import { ClaudeFleet, claudePid, type Small, screen } from "./fleet.ts";
import { helmThatErrs } from "./helm-that-errs.ts";

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
      await expect.poll(() => [...fleet.putBack].sort(), { timeout: 60_000 }).toEqual(["ship-0/1.json", "ship-0/2.json"]);
      const put = () => ["1", "2"].map((id) => JSON.parse(readFileSync(fleet.taskFile(ship, id), "utf8")).status);
      await expect.poll(put).toEqual(["completed", "completed"]);
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
  "gates that are gone when its session is to start again: the ship is told unfit and works no more, the task goes back unharmed",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1", metadata: { tries: 1 } }], 1, INTERACTIVE);
    const [ship] = fleet.ships as [TestShip];
    fleet.api.script = (talk) => {
      if (talk.results.length === 0) return update("1", { status: "in_progress" });
      if (talk.results.length === 1) return bash("rm -r ~/voyage/crew/gates");
      return { text: "thinking", delayMs: 60_000 };
    };
    fleet.startAll();
    await fleet.until("gates gone", () => fleet.api.calls.some(({ results }) => results.length === 2));
    process.kill(claudePid(ship)!, "SIGKILL");
    const { tasks } = await fleet.until(
      "unfit",
      ({ ships }) => ships[0]?.unfit?.includes("gates of this ship do not hold") ?? false,
    );
    expect(tasks[0]!.tries).toBe(0);
    expect(await fleet.ended(ship)).toBe(0);
    expect(await fleet.task("1")).toMatchObject({ status: "pending", tries: 0 });
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
      // The API fails for longer than Claude Code itself tries.
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
    // The second crew has told the session from its start, and nothing twice.
    const said = () => fleet.logs(ship)["session.log"]!;
    // The helm has accepted before Claude Code has written that it asked; the log looks each second.
    await expect.poll(said).toContain("> TaskUpdate taskId 1, status completed");
    expect(said().match(/> TaskUpdate taskId 1, status in_progress/g)).toHaveLength(1);
    expect(said().match(/> Bash mkdir -p out/g)).toHaveLength(1);
    expect(fleet.api.calls.at(-1)!.prompt).toContain("The API failed. Go on where you were.");
  },
  LONG,
);

test(
  "a usage limit: told with its end, no session is nudged before, a claim that is held is kept, and who holds none takes none",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1", metadata: { tries: 1 } }, { id: "2" }], 2, INTERACTIVE);
    const [holder, looker] = fleet.ships as [TestShip, TestShip];
    for (const ship of fleet.ships) fleet.credentials(ship, { CLAUDE_CODE_OAUTH_TOKEN: "sk-ant-oat01-of-this-test" });
    // In this case Claude Code does not go on by itself, and asks on the screen what to do.
    mkdirSync(join(holder.home, ".claude"), { recursive: true });
    writeFileSync(join(holder.home, ".claude/settings.json"), JSON.stringify({ autoContinueAtUsageLimit: false }));
    const work = selfStarter();
    // The limit begins when one ship holds a task and the other is about to look for one.
    let reset = 0;
    const met: string[] = [];
    const asks = new Set<string>();
    const goesOn = new Set<string>();
    const other = (set: Set<string>) => expect.poll(() => set.has(looker.name), { timeout: 60_000 }).toBe(true);
    fleet.api.script = async (talk) => {
      const name = shipOf(talk);
      const holds = talk.results.some(({ text }) => text.startsWith("Updated task #"));
      if (name === holder.name && !holds) return work(talk);
      asks.add(name);
      if (name === holder.name) await other(asks);
      if (name === holder.name) reset ||= Math.ceil(Date.now() / 1000) + 14;
      else await expect.poll(() => reset > 0, { timeout: 60_000 }).toBe(true);
      if (Date.now() / 1000 < reset) {
        met.push(name);
        return usageLimit(reset);
      }
      goesOn.add(name);
      if (name === holder.name) await other(goesOn);
      return work(talk);
    };
    fleet.startAll();
    const { limited, tasks } = await fleet.until("limited", (now) => now.state === "limited");
    expect(limited).toMatchObject({
      until: new Date(reset * 1000).toISOString(),
      message: expect.stringMatching(/hit your .*limit/),
    });
    const held = tasks.find((task) => task.ship === holder.name)!;
    await expect.poll(() => [...met].sort()).toEqual([holder.name, looker.name]);
    const status = await fleet.until("done", (now) => now.state === "done", 90_000);
    expect(met).toHaveLength(2);
    expect(status.tasks.map((task) => [task.epoch, task.tries])).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(status.tasks.find(({ id }) => id === held.id)!.ship).toBe(holder.name);
    const told = fleet.api.calls.filter((talk) => talk.prompt.includes("The usage limit is over. Go on where you were."));
    expect(new Set(told.map(shipOf))).toEqual(new Set([holder.name]));
  },
  LONG,
);

test(
  "a token revoked in mid-task: told in Claude Code's words, not nudged; the task is given back unharmed, what lies in the tree is kept, and the next up's token is used",
  async () => {
    const tasks = [{ id: "1", metadata: { tries: 1 } }];
    fleet = await ClaudeFleet.sail(tasks, 1, INTERACTIVE);
    const [ship] = fleet.ships as [TestShip];
    const token = (word: string) => fleet.credentials(ship, { CLAUDE_CODE_OAUTH_TOKEN: `sk-ant-oat01-${word}` });
    token("first");
    const REVOKED = "OAuth token has been revoked. Please obtain a new token.";
    const work = { first: selfStarter(), second: selfStarter() };
    fleet.api.script = (talk): Turn | Promise<Turn> => {
      if (talk.credential.endsWith("second")) return work.second(talk);
      const wrote = talk.results.findIndex(({ text }) => text.startsWith("Updated task #1")) + 1;
      if (wrote === 0 || wrote === talk.results.length) return work.first(talk);
      return { fail: { status: 401, type: "authentication_error", message: REVOKED } };
    };
    fleet.startAll();
    const stopped = await fleet.until("given back", (now) => now.tasks[0]!.epoch === 1 && now.tasks[0]!.status === "pending");
    expect(stopped).toMatchObject({ state: "limited", limited: { message: expect.stringMatching(/refused: .*revoked/) } });
    expect(stopped.tasks[0]).toMatchObject({ tries: 0, reason: expect.stringMatching(/credentials are refused: .*revoked/) });
    expect(await fleet.ended(ship)).toBe(0);
    expect(gitIn(fleet.at.repo, "show", "refs/ships/ship-0/left-1-1:out/1")).toBe("1");
    expect(fleet.api.calls.at(-1)!.prompt).not.toContain("Go on where you were");
    token("second");
    await fleet.register(tasks, INTERACTIVE);
    fleet.startAll();
    const status = await fleet.until("done", (now) => now.state === "done");
    expect(status.tasks[0]).toMatchObject({ epoch: 2, tries: 0 });
    expect(fleet.file("out/1")).toBe("1");
  },
  LONG,
);

test(
  "a helm that answers nonsense, or fences the ship, while its session waits for work: the session ends, and the supervisor in order",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 1, INTERACTIVE);
    const [ship] = fleet.ships as [TestShip];
    const helm = await helmThatErrs(fleet.helmUrl, ship);
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
        return ship.ended(fleet.start(ship), 60_000);
      };
      expect(await ended()).toBe(0);
      expect(ship.events().at(-1)).toBe("nothing");
      wrong.shift();
      expect(await ended()).toBe(3);
      expect(ship.events().at(-1)).toBe("fenced");
      expect(await fleet.task("1")).toMatchObject({ status: "pending", epoch: 0 });
    } finally {
      await helm.stop();
    }
  },
  LONG,
);

test(
  "a usage limit in an empty sail: told with its end, and waited for with the claim; then the session goes on with what it was ordered",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 1, { ...INTERACTIVE, orders: true });
    const [ship] = fleet.ships as [TestShip];
    fleet.credentials(ship, { CLAUDE_CODE_OAUTH_TOKEN: "sk-ant-oat01-of-this-test" });
    let reset = 0;
    // Lists what the API was asked, at which second before or after the limit's end, and by which model.
    const during: string[] = [];
    const after: string[] = [];
    fleet.api.script = ({ prompt, model, tools, turns }) => {
      // On a busy machine it takes Claude Code some seconds to show the answer, and the limit must last until then.
      reset ||= Math.ceil(Date.now() / 1000) + 20;
      const late = Date.now() / 1000 - reset;
      const asked = `${late.toFixed(3)} s, ${model}, ${tools.length} tools, turn ${turns}: ${prompt.slice(-200)}`;
      (late < 0 ? during : after).push(asked);
      return late < 0 ? usageLimit(reset) : { text: "Done, captain." };
    };
    fleet.startAll();
    await expect.poll(() => screen(ship), { timeout: 60_000 }).toContain("ship-0 · voyage");
    const keys = (...args: string[]) =>
      execFileSync("tmux", ["send-keys", "-t", "=claude:", ...args], { env: ship.environment() });
    keys("-l", "Count to ten");
    await expect.poll(() => screen(ship)).toContain("Count to ten");
    keys("Enter");
    const { limited } = await fleet.until("limited", (now) => now.state === "limited");
    expect(limited!.until).toBe(new Date(reset * 1000).toISOString());
    await expect.poll(() => screen(ship), { timeout: 60_000 }).toContain("Done, captain.");
    // The question met the limit, and the crew said nothing before its end. How often Claude Code itself asks is its
    // own affair. It also goes on by itself, up to two minutes after the limit's end, when nobody was faster: which of
    // the two it is, or whether both meet, is chance. That the crew tells a session to go on is shown where Claude Code
    // does not by itself.
    const requests = ["during the limit:", ...during, "after it:", ...after].join("\n");
    expect(during[0], requests).toContain("Count to ten");
    expect(during.join("\n"), requests).not.toContain("Go on where you were");
    expect(ship.events(), requests).not.toContain("api");
    expect(after.join("\n"), requests).toMatch(/Count to ten\s+(The|Your claude.ai) usage limit (is over|has reset)\. \w/);
    expect(await fleet.task("1")).toMatchObject({ status: "claimed", epoch: 1, tries: 0 });
  },
  LONG,
);
