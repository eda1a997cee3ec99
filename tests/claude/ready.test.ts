import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, diligent, steps } from "../support/claude/model.ts";
import type { TestShip } from "../support/test-ship.ts";
import { ClaudeFleet, ID } from "./fleet.ts";
import { hasContents, hasTelemetry } from "./telemetry.ts";

let fleet: ClaudeFleet;
afterEach(() => fleet?.close());
const LONG = INSTALL_MS + 120_000;
const tmux = (ship: TestShip, ...args: string[]) => execFileSync("tmux", args, { env: ship.environment(), encoding: "utf8" });
/** Asks the helm as `up` does, until the ship is ready or cannot be. */
const ready = (ship: TestShip) => fleet.helm.shipReady(ID, ship.name, ship.incarnation, 60);
const unfit = async (ship: TestShip) => {
  const { met, ship: row } = await ready(ship);
  expect(met).toBe(false);
  return row.unfit;
};
/** Changes a file of the crew on one ship, which takes effect at its next start. */
const breakFile = (ship: TestShip, file: string, from: string, to: string) => {
  const source = readFileSync(ship.path(file), "utf8");
  expect(source).toContain(from);
  writeFileSync(ship.path(file), source.replace(from, to));
};

test(
  "before its first task a ship shows that its hand can work, with the plan's model; after that it is not asked again; Claude Code's telemetry is in Parquet, with contents only once they are asked for",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 1, { claude: { model: "sonnet" } }, { telemetry: true });
    const [ship] = fleet.ships as [TestShip];
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    fleet.api.trial = async () => {
      await opened;
      return { text: "ready" };
    };
    let go = () => {};
    const going = new Promise<void>((resolve) => {
      go = resolve;
    });
    fleet.api.script = async (talk) => {
      await going;
      return diligent(talk);
    };
    fleet.startAll();
    await expect.poll(() => fleet.api.trials.length).toBe(1);
    expect(await fleet.task("1")).toMatchObject({ status: "pending", epoch: 0 });
    open();
    expect((await ready(ship)).met).toBe(true);
    expect(fleet.api.trials[0]!.model).toMatch(/sonnet/);
    // The trial's cost is charged to the ship and the voyage, and to no task.
    const { spend, tasks } = await fleet.status();
    expect(spend).toMatchObject({ inputTokens: 100, turns: 1, byShip: { "ship-0": { inputTokens: 100 } } });
    expect(tasks[0]!.usage).toBeUndefined();
    expect(fleet.api.trials[0]!.tools).toEqual(expect.arrayContaining(["TaskList", "TaskUpdate"]));
    go();
    await fleet.until("done", (now) => now.state === "done");
    await fleet.ended(ship);
    await hasTelemetry(fleet);
    await fleet.register([{ id: "1" }, { id: "2" }], {}, { telemetry: "contents" });
    fleet.startAll();
    await fleet.until("done", (now) => now.state === "done" && now.tasks.length === 2);
    expect(fleet.api.trials).toHaveLength(1);
    await fleet.ended(ship);
    await hasContents(fleet, "2");
  },
  LONG,
);

test(
  "what is wrong is told in seconds, and no task is begun: credentials, an API that is away, gates that do not hold, hooks that do not run, no Claude Code",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 5);
    const [token, away, gates, hooks, none] = fleet.ships as [TestShip, TestShip, TestShip, TestShip, TestShip];
    fleet.credentials(token, { ANTHROPIC_API_KEY: "sk-ant-wrong-000000000000000000" });
    fleet.credentials(away, { ANTHROPIC_API_KEY: "sk-ant-away-0000000000000000000" });
    fleet.api.trial = ({ credential }) => {
      if (credential.includes("wrong"))
        return { fail: { status: 401, type: "authentication_error", message: "invalid x-api-key" } };
      if (credential.includes("away")) return { fail: { status: 529, type: "overloaded_error", message: "Overloaded" } };
      return { text: "ready" };
    };
    rmSync(gates.path("crew/gates/gate.js"));
    breakFile(hooks, "crew/supervisor.js", "disableAllHooks: false", "disableAllHooks: true");
    for (const ship of [token, away, gates, hooks]) fleet.start(ship);
    none.start({ LANG: "C.UTF-8" });
    const said = await Promise.all(fleet.ships.map(unfit));
    expect(said).toEqual([
      expect.stringMatching(/credentials are refused: Invalid API key/),
      expect.stringMatching(/the model's API does not answer: .*Overloaded/),
      expect.stringMatching(/gates of this ship do not hold/),
      expect.stringMatching(/without asking the gates/),
      expect.stringMatching(/no Claude Code on this ship: cannot run claude/),
    ]);
    expect(await fleet.task("1")).toMatchObject({ status: "pending", epoch: 0 });
    expect(fleet.api.calls).toEqual([]);
  },
  LONG,
);

test(
  "credentials that come while the trial is under way are the ones that it tells of",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 1);
    const [ship] = fleet.ships as [TestShip];
    fleet.credentials(ship, { ANTHROPIC_API_KEY: "sk-ant-wrong-000000000000000000" });
    fleet.api.trial = ({ credential }) => {
      if (!credential.includes("wrong")) return { text: "ready" };
      fleet.credentials(ship, { ANTHROPIC_API_KEY: "sk-ant-right-000000000000000000" });
      return { fail: { status: 401, type: "authentication_error", message: "invalid x-api-key" } };
    };
    fleet.startAll();
    expect(await ready(ship)).toMatchObject({ met: true });
    expect(fleet.api.trials.at(-1)!.credential).toContain("right");
  },
  LONG,
);

test(
  "the hand is seen in the tmux session claude, from task to task, in words for people; a session that somebody kills is opened again and the task goes on",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }, { id: "2", after: ["1"] }], 1);
    const [ship] = fleet.ships as [TestShip];
    let seen = "";
    let killed = false;
    const work = steps(bash("mkdir -p out; echo x > out/y"), (talk) => complete(talk.task), { text: "The task is done." });
    fleet.api.script = (talk) => {
      if (talk.task === "2" && talk.results.length === 1 && !killed) {
        seen = tmux(ship, "capture-pane", "-p", "-t", "=claude:", "-S", "-");
        killed = true;
        tmux(ship, "kill-session", "-t", "=claude");
        // An answer that reached Claude Code while it dies would be part of its session.
        return { text: "Too late.", delayMs: 60_000 };
      }
      return work(talk);
    };
    fleet.startAll();
    const status = await fleet.until("done", (now) => now.state === "done");
    expect(seen).toMatch(/task 1 {2}Write 1: session/);
    expect(seen).toMatch(/> Bash mkdir -p out; echo x > out\/y\n {2}\. Bash [\d.]+ s/);
    expect(seen).toContain("The task is done.");
    expect(seen).toMatch(/turns 3, \d+ s, \$0\.\d+/);
    expect(seen).toMatch(/task 2 {2}Write 2: session/);
    expect(seen).not.toContain('{"');
    expect(status.tasks.map((task) => [task.epoch, task.tries])).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(fleet.logs(ship)["task-2-1.log"]).toContain("resumed");
    await fleet.ended(ship);
    expect(() => tmux(ship, "has-session", "-t", "=claude")).toThrow();
  },
  LONG,
);
