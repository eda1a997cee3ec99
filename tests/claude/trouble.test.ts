import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { afterEach, expect, test } from "vitest";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, diligent, steps, update } from "../support/claude/model.ts";
import { shipOf } from "../support/claude/self-starter.ts";
import type { Turn } from "../support/claude/stand-in-api.ts";
import { isRunning } from "../support/processes.ts";
import type { TestShip } from "../support/test-ship.ts";
import { until } from "../support/until.ts";
import { allDone, ClaudeFleet, claudePid, ONCE_EACH, THREE } from "./fleet.ts";

let fleet: ClaudeFleet;
afterEach(() => fleet?.close());
const LONG = INSTALL_MS + 120_000;
/** Hangs up on whoever comes to the helm's port, until so many ships have wanted to push there. */
async function turnedAway(ships: number): Promise<void> {
  const pushing = new Set<string | undefined>();
  const server = createServer((request) => {
    if (request.url?.startsWith("/git/")) pushing.add(request.headers.authorization);
    request.socket.destroy();
  });
  server.listen(Number(process.env.OCAPTAIN_HELM_PORT), "127.0.0.1");
  await once(server, "listening");
  await until("all ships want to push", () => pushing.size === ships, 60_000);
  server.close();
  await once(server, "close");
}

test(
  "the helm killed in mid-task, and back: three ships deliver once each",
  async () => {
    fleet = await ClaudeFleet.sail(THREE, 3);
    let killed = false;
    fleet.api.script = async (talk) => {
      // All three hold their claims, and want to deliver while the helm is not there.
      if (talk.results.length === 1) await until("the helm is killed", () => killed, 90_000);
      return diligent(talk);
    };
    fleet.startAll();
    await fleet.until("three at work", () => ["1", "2", "3"].every((id) => fleet.asked(id).length === 2));
    const { pid } = await fleet.helm.health();
    process.kill(pid, "SIGKILL");
    await until("the helm's end", () => !isRunning(pid));
    killed = true;
    await turnedAway(THREE.length);
    fleet.helm = await ensureHelm();
    const status = await fleet.until("done", allDone);
    expect(status.tasks.map((task) => [task.epoch, task.tries])).toEqual(ONCE_EACH);
    expect(fleet.delivered().sort()).toEqual(["1", "2", "3"]);
  },
  LONG,
);

test(
  "a crew, and later its Claude Code, killed in mid-task, and an API that answers that it is not now: the session is resumed each time, with the tree as it lay, and no try is lost",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1", metadata: { tries: 1 } }], 1);
    const [ship] = fleet.ships as [TestShip];
    let hanging = true;
    let failed = false;
    const work = steps(bash("mkdir -p out; echo first > out/1"), bash("echo second >> out/1"), complete("1"), { text: "done" });
    fleet.api.script = async (talk): Promise<Turn> => {
      if (talk.results.length > 0) await until("the session may go on", () => !hanging, 90_000);
      if (talk.results.length < 2 || failed) return work(talk);
      failed = true;
      // Claude Code itself does not wait for a failure of this kind.
      return { fail: { status: 400, type: "invalid_request_error", message: "Not now" } };
    };
    const crew = fleet.start(ship);
    await fleet.until("its second turn", () => fleet.asked("1").length === 2);
    crew.kill("SIGKILL");
    await ship.ended(crew).catch(() => {});
    fleet.start(ship);
    await fleet.until("the resumed session's turn", () => fleet.asked("1").length === 3);
    process.kill(claudePid(ship)!, "SIGKILL");
    await fleet.until("another", () => fleet.asked("1").length === 4);
    hanging = false;
    const status = await fleet.until("done", allDone);
    expect(status.tasks[0]).toMatchObject({ epoch: 1, tries: 0 });
    expect(failed).toBe(true);
    expect(fleet.file("out/1")).toBe("first\nsecond");
    expect(fleet.asked("1")[2]!.prompt).toContain("interrupted (the crew was started again)");
    expect(fleet.asked("1")[2]!.results).toHaveLength(1);
    const sessions = new Set(fleet.logs(ship)["task-1-1.log"]!.match(/session [0-9a-f-]{36}/g));
    expect(sessions.size).toBe(1);
  },
  LONG,
);

test(
  "three ships in conflict on one file: the second and the third are told, resolve, and all changes are there",
  async () => {
    fleet = await ClaudeFleet.sail(THREE, 3);
    fleet.api.script = async (talk) => {
      // No agent completes its task before all have begun.
      if (talk.results.length === 1) await fleet.allInMidTask();
      const last = talk.results.at(-1);
      if (talk.results.length === 0) return bash(`echo "one and ${talk.task}" > shared.txt`);
      if (last?.text.includes("conflict marks")) return complete(talk.task); // The agent is too hasty.
      if (last?.text.includes("is not resolved"))
        return bash(`grep -E '^(one and)' shared.txt | sort > s; cat s > shared.txt; rm s; git status --short`);
      if (talk.results.length === 1 || last?.text.includes("shared.txt")) return complete(talk.task);
      return { text: "done" };
    };
    fleet.startAll();
    const status = await fleet.until("done", allDone);
    expect(status.tasks.map((task) => [task.epoch, task.tries])).toEqual(ONCE_EACH);
    expect(fleet.file("shared.txt")).toBe("one and 1\none and 2\none and 3");
    expect(fleet.delivered().sort()).toEqual(["1", "2", "3"]);
    const told = ["1", "2", "3"].filter((id) =>
      fleet.asked(id).some(({ results }) => results.at(-1)?.text.includes("conflict marks")),
    );
    expect(told).toHaveLength(2);
  },
  LONG,
);

test(
  "the API away for a while, from three ships in mid-task: their sessions go on when it is back; no try is lost",
  async () => {
    fleet = await ClaudeFleet.sail(THREE, 3);
    let gone = false;
    let back: Promise<void> | undefined;
    fleet.api.script = async (talk) => {
      if (gone || talk.results.length === 0) return diligent(talk);
      await fleet.allInMidTask();
      if (!gone) {
        gone = true;
        fleet.api.away = true;
        // The outage lasts until each has given up a run: Claude Code tries by itself first, for longer the busier the
        // machine is.
        const failed = () => fleet.ships.every((ship) => ship.events().includes("api"));
        back = expect
          .poll(failed, { timeout: 60_000, interval: 100 })
          .toBe(true)
          .finally(() => {
            fleet.api.away = false;
          });
      }
      return { fail: { status: 529, type: "overloaded_error", message: "Overloaded" } };
    };
    fleet.startAll();
    const status = await fleet.until("done", allDone);
    await back;
    expect(status.tasks.map((task) => [task.epoch, task.tries])).toEqual(ONCE_EACH);
    for (const { id, ship: name } of status.tasks) {
      const ship = fleet.ships.find((one) => one.name === name)!;
      expect(fleet.file(`out/${id}`)).toBe(id);
      expect(ship.events()).toContain("api");
      expect(fleet.logs(ship)[`task-${id}-1.log`]).toMatch(/the API failed .*; trying again, 1 of 3/);
      expect(new Set(fleet.asked(id).map((call) => call.session)).size).toBe(1);
    }
  },
  LONG,
);

test(
  "a model that never completes: tool calls for ever, or one that never returns, end at the task's time, and turns at their bound; nothing of them runs on",
  async () => {
    const once = { tries: 1 };
    fleet = await ClaudeFleet.sail(
      [
        { id: "1", metadata: { ...once, timeoutSeconds: 12 } },
        { id: "2", metadata: { ...once, timeoutSeconds: 12 } },
        { id: "3", metadata: { ...once, claude: { maxTurns: 4 } } },
      ],
      3,
      { claude: { maxTurns: 500 } },
    );
    fleet.api.script = (talk) => {
      if (talk.task === "2") return bash("(trap '' TERM HUP INT; tail -f /dev/null) & tail -f /dev/null");
      return bash("date +%N >> ticks");
    };
    fleet.startAll();
    const status = await fleet.until("all blocked", (now) => now.tasks.every((task) => task.status === "blocked"));
    expect(status.state).toBe("blocked");
    expect(status.tasks.map((task) => task.reason)).toEqual([
      "stopped after 12 s, its time limit",
      "stopped after 12 s, its time limit",
      "stopped at its bound of turns, 4 (claude.maxTurns)",
    ]);
    expect(fleet.asked("1").length).toBeGreaterThan(1);
    expect(fleet.asked("2")).toHaveLength(1);
    expect(fleet.asked("3")).toHaveLength(4);
    for (const ship of fleet.ships) {
      await fleet.ended(ship);
      expect(ship.handPids()).toEqual([]);
    }
    expect(fleet.delivered()).toEqual([]);
  },
  LONG,
);

test(
  "gates removed: an agent can waste work, and nothing is accepted twice, or that no ship has delivered",
  async () => {
    const tasks = THREE.map((task) => ({ ...task, metadata: { tries: 200 } }));
    fleet = await ClaudeFleet.sail(tasks, 3);
    const [good, ...bad] = fleet.ships as [TestShip, TestShip, TestShip];
    const file = "crew/supervisor.js";
    const source = readFileSync(good.path(file), "utf8");
    // The hooks are kept for the trial of a ship, which would find that they are missing.
    const isTrial = "/trial/.test(places.settings)";
    const gone = source
      .replace("PreToolUse: [{", `PreToolUse: !${isTrial} ? [] : [{`)
      .replace("TaskCompleted: [{", `TaskCompleted: !${isTrial} ? [] : [{`)
      .replace("Stop: [{", `Stop: !${isTrial} ? [] : [{`);
    expect(gone.split(isTrial)).toHaveLength(4);
    for (const ship of bad) writeFileSync(ship.path(file), gone);
    /** The task of which each bad ship has wasted a try, by ship. */
    const wasted = new Map<string, string>();
    const bothWasted = (now: VoyageStatus) => wasted.size === bad.length && now.tasks.some((task) => task.tries > 1);
    fleet.api.script = async (talk) => {
      if (talk.system.includes("hand of ship-0,")) {
        // The good ship holds its first task while the others try to complete that too.
        if (talk.results.length === 1) await fleet.until("wasted tries", bothWasted);
        return diligent(talk);
      }
      wasted.set(shipOf(talk), talk.task);
      return steps(
        { tools: THREE.map(({ id }) => update(id, { status: "completed", owner: shipOf(talk) }).tools![0]!) },
        bash("echo stolen > out-of-turn.txt"),
        { text: "All done, by me." },
      )(talk);
    };
    fleet.start(good);
    await fleet.until("the good one at work", (now) => now.tasks.some((task) => task.ship === good.name));
    const crews = bad.map((ship) => fleet.start(ship));
    await fleet.until("wasted tries", bothWasted);
    // The bad ships would go on wasting tries as long as chance gives them tasks. They are told to end, and hand back
    // what they hold.
    for (const crew of crews) crew.kill("SIGTERM");
    const status = await fleet.until("done", (now) => now.state === "done");
    expect(status.tasks.map((task) => task.ship)).toEqual(THREE.map(() => "ship-0"));
    expect(fleet.delivered().sort()).toEqual(["1", "2", "3"]);
    expect(() => fleet.file("out-of-turn.txt")).toThrow();
  },
  LONG,
);

test(
  "gates that an agent breaks in mid-task fail closed, and the ship works no more; no task is blamed",
  async () => {
    fleet = await ClaudeFleet.sail(
      [
        { id: "1", metadata: { tries: 2 } },
        { id: "2", after: ["1"] },
      ],
      1,
    );
    fleet.api.script = steps(bash("rm -r ~/voyage/crew/gates"), bash("touch went-through"), complete("1"), { text: "done" });
    fleet.startAll();
    expect(await fleet.ended(fleet.ships[0]!)).toBe(0);
    const [, second, third] = fleet.asked("1").at(-1)!.results;
    expect(second).toMatchObject({ isError: true, text: expect.stringContaining("gate has failed") });
    expect(third).toMatchObject({ isError: true, text: expect.stringContaining("gate has failed") });
    expect(existsSync(`${fleet.ships[0]!.path("workspace")}/went-through`)).toBe(false);
    expect(fleet.ships[0]!.events().at(-1)).toBe("stop");
    const { tasks, ships } = await fleet.status();
    expect(tasks[0]).toMatchObject({
      status: "pending",
      tries: 1,
      reason: expect.stringContaining("gates of this ship do not hold"),
    });
    // A ship that is unfit is not woken for the task that it has given back (tests/helm/waker.test.ts).
    expect(ships[0]!.unfit).toContain("gates of this ship do not hold");
  },
  LONG,
);

test(
  "a Claude Code that offers no Task tools any more: the ship is told unfit, whatever its agent says; no task is blamed",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1", metadata: { tries: 1 } }], 1);
    const [ship] = fleet.ships as [TestShip];
    fleet.api.script = (talk) => {
      if (!talk.tools.includes("TaskUpdate")) return { text: "BLOCKED: I cannot complete it." };
      if (talk.results.length === 0) return bash(`echo '{"permissions":{"deny":["TaskUpdate"]}}' > ~/.claude/settings.json`);
      process.kill(claudePid(ship)!, "SIGKILL");
      return { text: "Too late.", delayMs: 60_000 };
    };
    fleet.startAll();
    expect(await fleet.ended(ship)).toBe(0);
    const { tasks, ships } = await fleet.status();
    const why = "this Claude Code offers no TaskUpdate";
    expect(ships[0]!.unfit).toBe(why);
    expect(tasks[0]).toMatchObject({ status: "pending", tries: 0, epoch: 1, reason: why });
  },
  LONG,
);
