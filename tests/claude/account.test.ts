import { afterEach, expect, test } from "vitest";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { diligent } from "../support/claude/model.ts";
import { shipOf } from "../support/claude/self-starter.ts";
import { type Conversation, type Turn, usageLimit } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import { ocaptain } from "../support/ocaptain.ts";
import type { TestShip } from "../support/test-ship.ts";
import { allDone, ClaudeFleet, ID, ONCE_EACH, STACK, THREE } from "./fleet.ts";

// What the account at the API does to a voyage: its limits, and refused credentials.

let fleet: ClaudeFleet;
afterEach(() => fleet?.close());
const LONG = INSTALL_MS + 120_000;
/** The credentials of each ship, of the kind that has limits. */
const token = (word: string) => {
  for (const ship of fleet.ships) fleet.credentials(ship, { CLAUDE_CODE_OAUTH_TOKEN: `sk-ant-oat01-${word}` });
};

test(
  "a usage limit: shown, honoured by its reset time, and shared by the voyage's other ships",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }, { id: "2", metadata: { tries: 1 } }, { id: "3" }, { id: "4", after: ["1"] }], 3);
    await writeVoyageIdentity({
      voyageId: ID,
      stack: STACK,
      captainId: "0123456789ab",
      nonce: "n",
      createdAt: new Date().toISOString(),
    });
    token("of-this-test");
    // The limit begins with the first question, however long the ship took to come to it.
    let reset = 0;
    const early: Conversation[] = [];
    fleet.api.script = async (talk) => {
      const seconds = Date.now() / 1000;
      reset ||= Math.ceil(seconds) + 12;
      if (seconds < reset) {
        early.push(talk);
        return usageLimit(reset);
      }
      // Each ship has begun one of the three tasks before any is done.
      if (talk.task !== "4" && talk.results.length === 1) await fleet.allInMidTask();
      return diligent(talk);
    };
    fleet.start(fleet.ships[0]!);
    const limited = await fleet.until("limited", (now) => now.state === "limited");
    expect(limited.limited).toEqual({
      until: new Date(reset * 1000).toISOString(),
      message: expect.stringMatching(/hit your .*limit/),
      by: ["ship-0"],
    });
    for (const other of fleet.ships.slice(1)) fleet.start(other);
    const shown = (await ocaptain("status")).stdout;
    expect(shown).toMatch(/^voyage-test {2}limited {2}.*1 claimed/);
    expect(shown).toMatch(
      new RegExp(`no task is given out for \\d+s, until ${limited.limited!.until.slice(0, 19)}Z: .*hit your .*limit`),
    );
    const status = await fleet.until("done", allDone);
    expect(early).toHaveLength(1);
    expect(early[0]!.credential).toBe("Bearer sk-ant-oat01-of-this-test");
    expect(status.tasks.map((task) => [task.epoch, task.tries])).toEqual([...ONCE_EACH, [1, 0]]);
    expect(new Set(status.tasks.map((task) => task.ship)).size).toBe(3);
    expect(status.limited).toBeUndefined();
  },
  LONG,
);

/** Sails one ship with one task, in whose midst the limit comes; by then it has written `out/1`. */
async function limitedInMidTask(limit: () => Turn): Promise<TestShip> {
  fleet = await ClaudeFleet.sail([{ id: "1", metadata: { tries: 1 } }], 1);
  token("of-this-test");
  fleet.api.script = (talk) => (talk.results.length === 0 ? diligent(talk) : limit());
  fleet.startAll();
  return fleet.ships[0]!;
}
const left = (ship: TestShip) => gitIn(fleet.at.repo, "show", `refs/ships/${ship.name}/left-1-1:out/1`);

test(
  "a limit that lasts longer than six hours: not waited for with a claim in hand; the task goes back unharmed, with what was begun",
  async () => {
    const reset = Math.ceil(Date.now() / 1000) + 7 * 3600;
    const ship = await limitedInMidTask(() => usageLimit(reset));
    const now = await fleet.until("given back", ({ tasks }) => tasks[0]!.epoch === 1 && tasks[0]!.status === "pending");
    expect(now).toMatchObject({
      state: "limited",
      limited: { until: new Date(reset * 1000).toISOString(), message: expect.stringMatching(/hit your .*limit/) },
      tasks: [{ tries: 0, reason: expect.stringMatching(/hit your .*limit/) }],
    });
    expect(left(ship)).toBe("1");
    expect(fleet.asked("1")).toHaveLength(2);
  },
  LONG,
);

test(
  "a limit that does not say when it is over: a quarter of an hour, with the claim in hand",
  async () => {
    const from = Date.now();
    await limitedInMidTask(() => usageLimit(null));
    const now = await fleet.until("limited", ({ state }) => state === "limited");
    const until = Date.parse(now.limited!.until);
    expect(until).toBeGreaterThan(from + 15 * 60_000);
    expect(until).toBeLessThanOrEqual(Date.now() + 15 * 60_000);
    expect(now.tasks[0]).toMatchObject({ status: "claimed", tries: 0 });
  },
  LONG,
);

test(
  "the budget taken away while a limit is waited for: the wait ends, and the task goes back with what was begun",
  async () => {
    const reset = Math.ceil(Date.now() / 1000) + 3600;
    const ship = await limitedInMidTask(() => usageLimit(reset));
    const { spend } = await fleet.until(
      "limited, and told what it has used",
      (now) => now.state === "limited" && !!now.tasks[0]!.usage,
    );
    await fleet.register([{ id: "1", metadata: { tries: 1 } }], {}, { budgetUsd: spend.costUsd / 2 });
    const now = await fleet.until("given back", ({ tasks }) => tasks[0]!.status !== "claimed");
    expect(now).toMatchObject({ state: "budget", tasks: [{ epoch: 1, status: "pending", tries: 0 }] });
    expect(left(ship)).toBe("1");
    expect(fleet.asked("1")).toHaveLength(2);
  },
  LONG,
);

test(
  "another account, brought by up while a limit of an hour is waited for with a task in hand: the session goes on with it at once",
  async () => {
    const reset = Math.ceil(Date.now() / 1000) + 3600;
    const ship = await limitedInMidTask(() => usageLimit(reset));
    const first = fleet.api.script;
    fleet.api.script = (talk) => (talk.credential.endsWith("second") ? diligent(talk) : first(talk));
    await fleet.until("limited", (now) => now.state === "limited");
    await expect.poll(() => ship.events().at(-1)).toBe("limit");
    token("second");
    await fleet.register([{ id: "1", metadata: { tries: 1 } }]);
    const status = await fleet.until("done", allDone);
    expect(status.tasks[0]).toMatchObject({ epoch: 1, tries: 0 });
    expect(status.limited).toBeUndefined();
    expect(new Set(fleet.asked("1").map((call) => call.session)).size).toBe(1);
    const credentials = fleet.asked("1").map((call) => call.credential.split("-").at(-1));
    expect(credentials.slice(0, 3)).toEqual(["test", "test", "second"]);
  },
  LONG,
);

test(
  "a limit that is told to a run begun before another account was brought is none of the voyage's",
  async () => {
    let bring = () => {};
    const brought = new Promise<void>((resolve) => {
      bring = resolve;
    });
    fleet = await ClaudeFleet.sail([{ id: "1", metadata: { tries: 1 } }], 1);
    token("first");
    fleet.api.script = async (talk) => {
      if (talk.results.length === 0 || talk.credential.endsWith("second")) return diligent(talk);
      await brought;
      return usageLimit(Math.ceil(Date.now() / 1000) + 3600);
    };
    fleet.startAll();
    await fleet.until("in mid-task", () => fleet.asked("1").length === 2);
    token("second");
    await fleet.register([{ id: "1", metadata: { tries: 1 } }]);
    bring();
    const status = await fleet.until("done", allDone);
    expect(status.tasks[0]).toMatchObject({ epoch: 1, tries: 0 });
    expect(status.limited).toBeUndefined();
    expect(new Set(fleet.asked("1").map((call) => call.session)).size).toBe(1);
  },
  LONG,
);

test(
  "a wrong token: Claude Code's own words are shown, no try is lost, and the next up's token is used",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1", metadata: { tries: 1 } }], 1);
    const [ship] = fleet.ships as [TestShip];
    fleet.credentials(ship, { ANTHROPIC_API_KEY: "sk-ant-wrong-000000000000000000" });
    fleet.api.script = (talk): Turn =>
      talk.credential.includes("wrong")
        ? { fail: { status: 401, type: "authentication_error", message: "invalid x-api-key" } }
        : diligent(talk);
    fleet.startAll();
    const status = await fleet.until("limited", (now) => now.state === "limited");
    expect(status.limited!.message).toMatch(/credentials are refused: Invalid API key/);
    await fleet.until("given back", (now) => now.tasks[0]!.status === "pending");
    expect(status.tasks[0]!.tries).toBe(0);
    fleet.credentials(ship, { ANTHROPIC_API_KEY: "sk-ant-right-000000000000000000" });
    await fleet.register([{ id: "1", metadata: { tries: 1 } }]);
    await fleet.until("done", allDone);
  },
  LONG,
);

test(
  "a token revoked in mid-voyage: three ships give their tasks back unharmed, what lies in their trees is kept, and go on with the next up's token",
  async () => {
    const tasks = THREE.map((task) => ({ ...task, metadata: { tries: 1 } }));
    fleet = await ClaudeFleet.sail(tasks, 3);
    token("first");
    const REVOKED = "OAuth token has been revoked. Please obtain a new token.";
    fleet.api.script = async (talk): Promise<Turn> => {
      if (talk.credential.endsWith("second") || talk.results.length === 0) return diligent(talk);
      await fleet.allInMidTask();
      // The API has seen both credentials.
      return talk.task === "1"
        ? { fail: { status: 403, type: "permission_error", message: REVOKED } }
        : { fail: { status: 401, type: "authentication_error", message: REVOKED } };
    };
    fleet.startAll();
    const stopped = await fleet.until("all given back", (now) =>
      now.tasks.every((task) => task.epoch === 1 && task.status === "pending"),
    );
    expect(stopped).toMatchObject({ state: "limited", limited: { message: expect.stringMatching(/credentials are refused/) } });
    expect(stopped.tasks.map((task) => task.tries)).toEqual([0, 0, 0]);
    for (const { id, reason } of stopped.tasks) {
      expect(reason).toMatch(/credentials are refused: .*revoked/);
      expect(gitIn(fleet.at.repo, "show", `refs/ships/${shipOf(fleet.asked(id)[0]!)}/left-${id}-1:out/${id}`)).toBe(id);
    }
    token("second");
    await fleet.register(tasks);
    const status = await fleet.until("done", allDone);
    expect(status.tasks.map((task) => [task.epoch, task.tries])).toEqual(THREE.map(() => [2, 0]));
    expect(fleet.delivered().sort()).toEqual(["1", "2", "3"]);
  },
  LONG,
);
