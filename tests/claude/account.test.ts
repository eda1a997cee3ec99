import { afterAll, beforeAll, expect, test } from "vitest";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { diligent } from "../support/claude/model.ts";
import { shipOf } from "../support/claude/self-starter.ts";
import { type Conversation, type Turn, usageLimit } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import { ocaptain } from "../support/ocaptain.ts";
import type { TestShip } from "../support/test-ship.ts";
import { ClaudeFleet, ID, STACK, taskOf } from "./fleet.ts";

// What the account at the API does to a voyage: its limits, and refused credentials. All tests share one fleet, and
// each brings tasks of its own, since a fleet costs more than what is looked at.

const LONG = INSTALL_MS + 120_000;
const once = { tries: 1 };
let fleet: ClaudeFleet;
let ship: TestShip;
beforeAll(async () => {
  fleet = await ClaudeFleet.sail([], 1, {}, { onTrial: false });
  [ship] = fleet.ships as [TestShip];
  await writeVoyageIdentity({
    voyageId: ID,
    stack: STACK,
    captainId: "0123456789ab",
    nonce: "n",
    createdAt: new Date().toISOString(),
  });
}, LONG);
afterAll(() => fleet?.close());

/** Brings the credentials of each ship, of the kind that has limits, as `up` does. */
const token = (word: string) => {
  for (const each of fleet.ships) fleet.credentials(each, { CLAUDE_CODE_OAUTH_TOKEN: `sk-ant-oat01-${word}` });
};
const sessionsOf = (task: string) => new Set(fleet.asked(task).map((call) => call.session)).size;
const left = (name: string, task: string, epoch = 1) =>
  gitIn(fleet.at.repo, "show", `refs/ships/${name}/left-${task}-${epoch}:out/${task}`);
/** A model that writes `out/<id>`, and in the midst of whose task the limit comes. */
const limitedInMidTask =
  (limit: () => Turn) =>
  (talk: Conversation): Turn =>
    talk.results.length === 0 ? diligent(talk) : limit();

test(
  "a limit that does not say when it is over: a quarter of an hour, with the claim in hand; another account, brought by up meanwhile: the session goes on with it at once",
  async () => {
    token("first");
    const limited = limitedInMidTask(() => usageLimit(null));
    fleet.api.script = (talk) => (talk.credential.endsWith("second") ? diligent(talk) : limited(talk));
    const from = Date.now();
    await fleet.goOn([{ id: "1", metadata: once }]);
    const now = await fleet.until("limited", ({ state }) => state === "limited");
    const until = Date.parse(now.limited!.until);
    expect(until).toBeGreaterThan(from + 15 * 60_000);
    expect(until).toBeLessThanOrEqual(Date.now() + 15 * 60_000);
    expect(await fleet.task("1")).toMatchObject({ status: "claimed", tries: 0 });
    // The run ends by the limit, and the crew waits.
    await expect.poll(() => ship.events().at(-1)).toBe("limit");
    token("second");
    await fleet.follow();
    expect(await fleet.accepted("1")).toMatchObject([{ epoch: 1, tries: 0 }]);
    expect((await fleet.status()).limited).toBeUndefined();
    expect(sessionsOf("1")).toBe(1);
    const credentials = fleet.asked("1").map((call) => call.credential.split("-").at(-1));
    expect(credentials.slice(0, 3)).toEqual(["first", "first", "second"]);
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
    token("old");
    fleet.api.script = async (talk) => {
      if (talk.results.length === 0 || talk.credential.endsWith("new")) return diligent(talk);
      await brought;
      return usageLimit(Math.ceil(Date.now() / 1000) + 3600);
    };
    await fleet.goOn([{ id: "2", metadata: once }]);
    await fleet.inMidTask("2");
    token("new");
    await fleet.follow();
    bring();
    expect(await fleet.accepted("2")).toMatchObject([{ epoch: 1, tries: 0 }]);
    expect((await fleet.status()).limited).toBeUndefined();
    expect(sessionsOf("2")).toBe(1);
  },
  LONG,
);

test(
  "a wrong token: Claude Code's own words are shown, no try is lost, and the next up's token is used",
  async () => {
    const key = (word: string) => fleet.credentials(ship, { ANTHROPIC_API_KEY: `sk-ant-${word}-000000000000000000` });
    key("wrong");
    fleet.api.script = (talk): Turn =>
      talk.credential.includes("wrong")
        ? { fail: { status: 401, type: "authentication_error", message: "invalid x-api-key" } }
        : diligent(talk);
    await fleet.goOn([{ id: "3", metadata: once }]);
    const status = await fleet.until("limited", (now) => now.state === "limited");
    expect(status.limited!.message).toMatch(/credentials are refused: Invalid API key/);
    await fleet.until("given back", (now) => taskOf(now, "3").status === "pending");
    expect(await fleet.task("3")).toMatchObject({ epoch: 1, tries: 0 });
    key("right");
    await fleet.follow();
    await fleet.accepted("3");
  },
  LONG,
);

test(
  "a limit that lasts longer than six hours: not waited for with a claim in hand; the task goes back unharmed, with what was begun. The budget taken away while a shorter one is waited for: the wait ends, and the same comes of it",
  async () => {
    token("far");
    const far = Math.ceil(Date.now() / 1000) + 7 * 3600;
    fleet.api.script = limitedInMidTask(() => usageLimit(far));
    await fleet.goOn([{ id: "4", metadata: once }]);
    const isBack = (epoch: number) => (now: VoyageStatus) => {
      const task = taskOf(now, "4");
      return task.epoch === epoch && task.status === "pending";
    };
    const now = await fleet.until("given back", isBack(1));
    expect(now).toMatchObject({
      state: "limited",
      limited: { until: new Date(far * 1000).toISOString(), message: expect.stringMatching(/hit your .*limit/) },
    });
    expect(await fleet.task("4")).toMatchObject({ tries: 0, reason: expect.stringMatching(/hit your .*limit/) });
    expect(left("ship-0", "4")).toBe("4");
    expect(fleet.asked("4")).toHaveLength(2);

    const before = now.spend.costUsd;
    const near = Math.ceil(Date.now() / 1000) + 3600;
    fleet.api.script = limitedInMidTask(() => usageLimit(near));
    await fleet.follow();
    const { spend } = await fleet.until(
      "limited again, and told what it has used",
      (now) => now.limited?.until === new Date(near * 1000).toISOString() && now.spend.costUsd > before,
    );
    expect(await fleet.task("4")).toMatchObject({ status: "claimed", epoch: 2, tries: 0 });
    await fleet.follow({ budgetUsd: spend.costUsd / 2 });
    await fleet.until("given back again", isBack(2));
    expect(await fleet.status()).toMatchObject({ state: "budget" });
    expect(await fleet.task("4")).toMatchObject({ tries: 0 });
    expect(left("ship-0", "4", 2)).toBe("4");
    expect(fleet.asked("4")).toHaveLength(4);
    fleet.api.script = diligent;
    await fleet.follow();
    // Until the ship hears that the limit is over as well, it may be given the task once more than it does it.
    expect(await fleet.accepted("4")).toMatchObject([{ tries: 0 }]);
  },
  LONG,
);

test(
  "a usage limit: shown, honoured by its reset time, and shared by the voyage's other ships",
  async () => {
    // A single ship's word of a limit holds the others for a while only, so the tests before have no others.
    await fleet.addShips(2, { onTrial: false });
    token("of-this-test");
    // The limit begins with the first question, however long the ship took to come to it.
    let reset = 0;
    const early: Conversation[] = [];
    const ids = ["5", "6", "7"];
    fleet.api.script = async (talk) => {
      const seconds = Date.now() / 1000;
      reset ||= Math.ceil(seconds) + 12;
      if (seconds < reset) {
        early.push(talk);
        return usageLimit(reset);
      }
      // Each ship has begun one of the three tasks before any is done.
      if (talk.results.length === 1) await fleet.inMidTask(...ids);
      return diligent(talk);
    };
    await fleet.goOn([{ id: "5" }, { id: "6", metadata: once }, { id: "7" }], [ship]);
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
    const done = await fleet.accepted(...ids);
    expect(early).toHaveLength(1);
    expect(early[0]!.credential).toBe("Bearer sk-ant-oat01-of-this-test");
    expect(done.map((task) => [task.epoch, task.tries])).toEqual(ids.map(() => [1, 0]));
    expect(new Set(done.map((task) => task.ship)).size).toBe(3);
    expect((await fleet.status()).limited).toBeUndefined();
  },
  LONG,
);

test(
  "a token revoked in mid-voyage: ships give their tasks back unharmed, what lies in their trees is kept, and go on with the next up's token",
  async () => {
    const ids = ["8", "9"];
    token("revoked");
    const REVOKED = "OAuth token has been revoked. Please obtain a new token.";
    fleet.api.script = async (talk): Promise<Turn> => {
      if (talk.credential.endsWith("fresh") || talk.results.length === 0) return diligent(talk);
      await fleet.inMidTask(...ids);
      // The API has seen both answers to such a token.
      return talk.task === "8"
        ? { fail: { status: 403, type: "permission_error", message: REVOKED } }
        : { fail: { status: 401, type: "authentication_error", message: REVOKED } };
    };
    await fleet.goOn(
      ids.map((id) => ({ id, metadata: once })),
      fleet.ships.slice(0, 2),
    );
    const stopped = await fleet.until("all given back", ({ tasks }) =>
      tasks.filter(({ id }) => ids.includes(id)).every(({ epoch, status }) => epoch === 1 && status === "pending"),
    );
    expect(stopped).toMatchObject({ state: "limited", limited: { message: expect.stringMatching(/credentials are refused/) } });
    for (const id of ids) {
      const { tries, reason } = await fleet.task(id);
      expect(tries).toBe(0);
      expect(reason).toMatch(/credentials are refused: .*revoked/);
      expect(left(shipOf(fleet.asked(id)[0]!), id)).toBe(id);
    }
    token("fresh");
    await fleet.follow();
    expect((await fleet.accepted(...ids)).map((task) => [task.epoch, task.tries])).toEqual(ids.map(() => [2, 0]));
    expect(fleet.delivered()).toEqual(expect.arrayContaining(ids));
  },
  LONG,
);
