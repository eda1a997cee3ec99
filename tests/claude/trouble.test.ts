import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, diligent, steps, update } from "../support/claude/model.ts";
import { shipOf } from "../support/claude/self-starter.ts";
import type { Turn } from "../support/claude/stand-in-api.ts";
import { isRunning } from "../support/processes.ts";
import type { TestShip } from "../support/test-ship.ts";
import { until } from "../support/until.ts";
import { ClaudeFleet, claudePid, PATIENCE_MS, taskOf } from "./fleet.ts";

// What goes wrong around a hand, from its helm to its gates. All tests share one fleet, and each brings tasks of its
// own, since a fleet costs more than what is looked at.

const LONG = INSTALL_MS + 120_000;
/** The epoch and the tries of each of three tasks when each was done at the first grant. */
const ONCE_EACH = Array(3).fill([1, 0]);
let fleet: ClaudeFleet;
beforeAll(async () => {
  fleet = await ClaudeFleet.sail([], 3, { claude: { maxTurns: 500 } });
}, LONG);
afterAll(() => fleet?.close());

/** Hangs up on whoever comes to the helm's port, until so many ships have wanted to push there. */
async function turnedAway(ships: number): Promise<void> {
  const pushing = new Set<string | undefined>();
  const server = createServer((request) => {
    if (request.url?.startsWith("/git/")) pushing.add(request.headers.authorization);
    request.socket.destroy();
  });
  server.listen(Number(process.env.OCAPTAIN_HELM_PORT), "127.0.0.1");
  await once(server, "listening");
  await until("all ships want to push", () => pushing.size === ships, PATIENCE_MS);
  server.close();
  await once(server, "close");
}

test(
  "the helm killed in mid-task, and back, and three ships in conflict on one file: the second and the third are told, resolve, and all changes are there, delivered once each",
  async () => {
    const ids = ["1", "2", "3"];
    let killed = false;
    fleet.api.script = async (talk) => {
      // All three hold their claims, and want to deliver while the helm is not there.
      if (talk.results.length === 1) await until("the helm is killed", () => killed, PATIENCE_MS);
      const last = talk.results.at(-1);
      if (talk.results.length === 0) return bash(`echo "one and ${talk.task}" > shared.txt`);
      if (last?.text.includes("conflict marks")) return complete(talk.task); // The agent is too hasty.
      if (last?.text.includes("is not resolved"))
        return bash(`grep -E '^(one and)' shared.txt | sort > s; cat s > shared.txt; rm s; git status --short`);
      if (talk.results.length === 1 || last?.text.includes("shared.txt")) return complete(talk.task);
      return { text: "done" };
    };
    await fleet.goOn(ids.map((id) => ({ id })));
    await fleet.inMidTask(...ids);
    const { pid } = await fleet.helm.health();
    process.kill(pid, "SIGKILL");
    await until("the helm's end", () => !isRunning(pid));
    killed = true;
    await turnedAway(ids.length);
    fleet.helm = await ensureHelm();
    expect((await fleet.accepted(...ids)).map((task) => [task.epoch, task.tries])).toEqual(ONCE_EACH);
    expect(fleet.delivered().sort()).toEqual(ids);
    expect(fleet.file("shared.txt")).toBe("one and 1\none and 2\none and 3");
    const told = ids.filter((id) => fleet.asked(id).some(({ results }) => results.at(-1)?.text.includes("conflict marks")));
    expect(told).toHaveLength(2);
  },
  LONG,
);

test(
  "the API away for a while, from three ships in mid-task: their sessions go on when it is back; no try is lost",
  async () => {
    const ids = ["4", "5", "6"];
    let gone = false;
    let back: Promise<void> | undefined;
    fleet.api.script = async (talk) => {
      if (gone || talk.results.length === 0) return diligent(talk);
      await fleet.inMidTask(...ids);
      if (!gone) {
        gone = true;
        fleet.api.away = true;
        // The outage lasts until each has given up a run: Claude Code tries by itself first, for longer the busier the
        // machine is.
        const failed = () => fleet.ships.every((ship) => ship.events().includes("api"));
        back = expect
          .poll(failed, { timeout: PATIENCE_MS, interval: 100 })
          .toBe(true)
          .finally(() => {
            fleet.api.away = false;
          });
      }
      return { fail: { status: 529, type: "overloaded_error", message: "Overloaded" } };
    };
    await fleet.goOn(ids.map((id) => ({ id })));
    const done = await fleet.accepted(...ids);
    await back;
    expect(done.map((task) => [task.epoch, task.tries])).toEqual(ONCE_EACH);
    for (const { id, ship: name } of done) {
      const ship = fleet.ships.find((one) => one.name === name)!;
      expect(fleet.file(`out/${id}`)).toBe(id);
      expect(fleet.logs(ship)[`task-${id}-1.log`]).toMatch(/the API failed .*; trying again, 1 of 3/);
      expect(new Set(fleet.asked(id).map((call) => call.session)).size).toBe(1);
    }
  },
  LONG,
);

test(
  "a model that never completes: tool calls for ever, or one that never returns, end at the task's time, and turns at their bound; nothing of them runs on",
  async () => {
    const only = { tries: 1 };
    const ids = ["7", "8", "9"];
    fleet.api.script = (talk) => {
      if (talk.task === "8") return bash("(trap '' TERM HUP INT; tail -f /dev/null) & tail -f /dev/null");
      return { ...bash("date +%N >> ticks"), delayMs: 300 };
    };
    await fleet.goOn([
      { id: "7", metadata: { ...only, timeoutSeconds: 20 } },
      { id: "8", metadata: { ...only, timeoutSeconds: 20 } },
      { id: "9", metadata: { ...only, claude: { maxTurns: 4 } } },
    ]);
    const status = await fleet.until("all blocked", (now) => ids.every((id) => taskOf(now, id).status === "blocked"));
    expect(status.state).toBe("blocked");
    expect(ids.map((id) => taskOf(status, id).reason)).toEqual([
      "stopped after 20 s, its time limit",
      "stopped after 20 s, its time limit",
      "stopped at its bound of turns, 4 (claude.maxTurns)",
    ]);
    expect(fleet.asked("7").length).toBeGreaterThan(1);
    expect(fleet.asked("8")).toHaveLength(1);
    expect(fleet.asked("9")).toHaveLength(4);
    for (const ship of fleet.ships) {
      await fleet.ended(ship);
      expect(ship.handPids()).toEqual([]);
    }
    expect(fleet.delivered().filter((id) => ids.includes(id))).toEqual([]);
  },
  LONG,
);

test(
  "a crew, and later its Claude Code, killed in mid-task, and an API that answers that it is not now: the session is resumed each time, with the tree as it lay, and no try is lost",
  async () => {
    const [ship] = fleet.ships as [TestShip];
    let hanging = true;
    let failed = false;
    const work = steps(bash("mkdir -p out; echo first > out/10"), bash("echo second >> out/10"), complete("10"), {
      text: "done",
    });
    fleet.api.script = async (talk): Promise<Turn> => {
      if (talk.results.length > 0) await until("the session may go on", () => !hanging, PATIENCE_MS);
      if (talk.results.length < 2 || failed) return work(talk);
      failed = true;
      // Claude Code itself does not wait for a failure of this kind.
      return { fail: { status: 400, type: "invalid_request_error", message: "Not now" } };
    };
    await fleet.goOn([{ id: "10", metadata: { tries: 1 } }], []);
    const crew = fleet.start(ship);
    await fleet.until("its second turn", () => fleet.asked("10").length === 2);
    crew.kill("SIGKILL");
    await ship.ended(crew).catch(() => {});
    fleet.start(ship);
    await fleet.until("the resumed session's turn", () => fleet.asked("10").length === 3);
    process.kill(claudePid(ship)!, "SIGKILL");
    await fleet.until("another", () => fleet.asked("10").length === 4);
    hanging = false;
    expect(await fleet.accepted("10")).toMatchObject([{ epoch: 1, tries: 0 }]);
    expect(failed).toBe(true);
    expect(fleet.file("out/10")).toBe("first\nsecond");
    expect(fleet.asked("10")[2]!.prompt).toContain("interrupted (the crew was started again)");
    expect(fleet.asked("10")[2]!.results).toHaveLength(1);
    const sessions = new Set(fleet.logs(ship)["task-10-1.log"]!.match(/session [0-9a-f-]{36}/g));
    expect(sessions.size).toBe(1);
  },
  LONG,
);

test(
  "gates removed: an agent can waste work, and nothing is accepted twice, or that no ship has delivered",
  async () => {
    const ids = ["11", "12", "13"];
    const [good, ...bad] = fleet.ships as [TestShip, TestShip, TestShip];
    const file = "crew/gates/hook-settings.js";
    const source = readFileSync(good.path(file), "utf8");
    const gone = source.replace(/(PreToolUse|TaskCompleted|Stop): \[\{/g, "$1: true ? [] : [{");
    expect(gone.match(/ \? \[\] : /g)).toHaveLength(3);
    for (const ship of bad) writeFileSync(ship.path(file), gone);
    onTestFinished(() => {
      for (const ship of bad) writeFileSync(ship.path(file), source);
    });
    /** The bad ships that have wasted a try. */
    const wasteful = new Set<string>();
    const bothWasted = (now: VoyageStatus) => wasteful.size === bad.length && rows(now).some((task) => task.tries > 1);
    const rows = (now: VoyageStatus) => ids.map((id) => taskOf(now, id));
    fleet.api.script = async (talk) => {
      if (shipOf(talk) === good.name) {
        // The good ship holds its first task while the others try to complete that too.
        if (talk.results.length === 1) await fleet.until("wasted tries", bothWasted);
        return diligent(talk);
      }
      wasteful.add(shipOf(talk));
      return steps(
        { tools: ids.map((id) => update(id, { status: "completed", owner: shipOf(talk) }).tools![0]!) },
        bash("echo stolen > out-of-turn.txt"),
        { text: "All done, by me." },
      )(talk);
    };
    await fleet.goOn(
      ids.map((id) => ({ id, metadata: { tries: 200 } })),
      [good],
    );
    await fleet.until("the good one at work", (now) => rows(now).some((task) => task.ship === good.name));
    const crews = bad.map((ship) => fleet.start(ship));
    await fleet.until("wasted tries", bothWasted);
    // The bad ships would go on wasting tries as long as chance gives them tasks. They are told to end, and hand back
    // what they hold.
    for (const crew of crews) crew.kill("SIGTERM");
    expect((await fleet.accepted(...ids)).map((task) => task.ship)).toEqual(ids.map(() => good.name));
    expect(
      fleet
        .delivered()
        .filter((id) => ids.includes(id))
        .sort(),
    ).toEqual(ids);
    expect(() => fleet.file("out-of-turn.txt")).toThrow();
  },
  LONG,
);

test(
  "gates that an agent breaks in mid-task fail closed, and the ship works no more; nor does one whose Claude Code offers no Task tools any more, whatever its agent says; no task is blamed for either",
  async () => {
    const [, broken, toolless] = fleet.ships as [TestShip, TestShip, TestShip];
    const breaks = steps(bash("rm -r ~/voyage/crew/gates"), bash("touch went-through"), complete("14"), { text: "done" });
    fleet.api.script = (talk) => {
      if (shipOf(talk) === broken.name) return breaks(talk);
      if (!talk.tools.includes("TaskUpdate")) return { text: "BLOCKED: I cannot complete it." };
      if (talk.results.length === 0) return bash(`echo '{"permissions":{"deny":["TaskUpdate"]}}' > ~/.claude/settings.json`);
      process.kill(claudePid(toolless)!, "SIGKILL");
      return { text: "Too late.", delayMs: 60_000 };
    };
    await fleet.goOn(
      [
        { id: "14", metadata: { tries: 2 } },
        { id: "15", after: ["14"] },
      ],
      [broken],
    );
    expect(await fleet.ended(broken)).toBe(0);
    const [, second, third] = fleet.asked("14").at(-1)!.results;
    expect(second).toMatchObject({ isError: true, text: expect.stringContaining("gate has failed") });
    expect(third).toMatchObject({ isError: true, text: expect.stringContaining("gate has failed") });
    expect(existsSync(`${broken.path("workspace")}/went-through`)).toBe(false);
    expect(broken.events().at(-1)).toBe("stop");
    const gatesDoNotHold = expect.stringContaining("gates of this ship do not hold");
    expect(await fleet.task("14")).toMatchObject({ status: "pending", tries: 1, epoch: 1, reason: gatesDoNotHold });
    // A ship that is unfit is not woken for the task that it has given back (tests/helm/waker.test.ts).
    const unfit = async (ship: TestShip) => (await fleet.status()).ships.find((row) => row.ship === ship.name)!.unfit;
    expect(await unfit(broken)).toEqual(gatesDoNotHold);

    await fleet.goOn([], [toolless]);
    expect(await fleet.ended(toolless)).toBe(0);
    const why = "this Claude Code offers no TaskUpdate";
    expect(await unfit(toolless)).toBe(why);
    expect(await fleet.task("14")).toMatchObject({ status: "pending", tries: 1, epoch: 2, reason: why });
  },
  LONG,
);
