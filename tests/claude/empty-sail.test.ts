import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash } from "../support/claude/model.ts";
import { type Turn, usageLimit } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import type { TestShip } from "../support/test-ship.ts";
import { ClaudeFleet, claudePid, ID, PATIENCE_MS, STACK, screen } from "./fleet.ts";

// In an empty sail Claude Code waits on its own screen for what the captain types. All tests are of one ship and of one
// conversation, and each goes on where the one before has ended.

const LONG = INSTALL_MS + 120_000;
const TASKS = [{ id: "1" }];
const ORDERS = { claude: { interactive: true }, orders: true as const };
let fleet: ClaudeFleet;
let ship: TestShip;
beforeAll(async () => {
  fleet = await ClaudeFleet.sail(TASKS, 1, ORDERS);
  [ship] = fleet.ships as [TestShip];
  token("first");
}, LONG);
afterAll(() => fleet?.close());

const token = (word: string) => fleet.credentials(ship, { CLAUDE_CODE_OAUTH_TOKEN: `sk-ant-oat01-${word}` });
/** The tokens of an answer that costs $0.044; budget.test.ts holds it to that. */
const dear = (turn: Turn): Turn => ({ ...turn, tokens: { input: 1000, output: 2000, cacheRead: 0, cacheCreation: 0 } });
const shows = (text: string) => expect.poll(() => screen(ship), { timeout: PATIENCE_MS }).toContain(text);
/** Waits until Claude Code waits for orders. */
const waits = () => shows("ship-0 · voyage");
async function order(text: string): Promise<void> {
  const keys = (...args: string[]) => execFileSync("tmux", ["send-keys", "-t", "=claude:", ...args], { env: ship.environment() });
  keys("-l", text);
  // A text that arrives together with its Enter would be taken for pasted.
  await shows(text);
  keys("Enter");
}
const tree = (file: string) =>
  existsSync(ship.path(`workspace/${file}`)) ? readFileSync(ship.path(`workspace/${file}`), "utf8") : null;
const left = () => gitIn(fleet.at.repo, "for-each-ref", "refs/ships/ship-0/left-*");
const journal = () => fleet.logs(ship)["supervisor.jsonl"]!;
const sessions = () => new Set(fleet.api.calls.map((talk) => talk.session)).size;
/** Waits until the helm has heard of the ship again and again, by when it would have asked, and shows that it did not. */
async function asksNothing(): Promise<void> {
  const calls = fleet.api.calls.length;
  await fleet.heardOfAgain();
  expect(fleet.api.calls).toHaveLength(calls);
}

test(
  "a usage limit in an empty sail: told with its end, and waited for with the claim; then the session goes on with what it was ordered",
  async () => {
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
    await waits();
    await order("Count to ten");
    const { limited } = await fleet.until("limited", (now) => now.state === "limited");
    expect(limited!.until).toBe(new Date(reset * 1000).toISOString());
    await shows("Done, captain.");
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

test(
  "a token that is refused in an empty sail: told, and nothing is nudged; the next up's is taken by the same conversation, which goes on with its order",
  async () => {
    fleet.api.script = (talk) =>
      talk.credential.endsWith("second")
        ? { text: "Eleven, captain." }
        : { fail: { status: 401, type: "authentication_error", message: "OAuth token has been revoked." } };
    await order("count to eleven");
    const { limited } = await fleet.until(
      "told",
      (now) => now.state === "limited" && now.ships[0]!.note !== "waiting for orders",
    );
    expect(limited!.message).toMatch(/credentials are refused: .*revoked/);
    await asksNothing();

    token("second");
    await fleet.follow();
    await shows("Eleven, captain.");
    const { prompt } = fleet.api.calls.at(-1)!;
    expect(prompt).toContain("count to eleven");
    expect(prompt).toContain("There are other credentials now. Go on where you were.");
    expect(sessions()).toBe(1);
    expect(journal()).toContain("the session is ended: there are other credentials");
    await expect.poll(async () => (await fleet.status()).ships[0]!.note).toBe("waiting for orders");
    expect(await fleet.task("1")).toMatchObject({ status: "claimed", epoch: 1 });
  },
  LONG,
);

const SPENT = /the session is ended: the voyage's budget of \$[\d.]+ is spent/g;
/** Orders what is too dear for what is left, and waits until the session has ended by that for the `times`th time. */
async function spend(text: string, turns: Turn[], times: number): Promise<void> {
  await fleet.follow({ budgetUsd: (await fleet.status()).spend.costUsd + 0.06 });
  fleet.api.script = () => dear(turns.length > 1 ? turns.shift()! : turns[0]!);
  await order(text);
  await fleet.until("spent", (now) => now.state === "budget");
  expect(await fleet.task("1")).toMatchObject({ status: "claimed", epoch: 1 });
  await expect.poll(() => journal().match(SPENT)?.length).toBe(times);
  await shows("The session goes on when it is raised.");
  await expect.poll(() => claudePid(ship)).toBeUndefined();
}

test(
  "an empty sail whose budget is spent in the midst of an order: ended at the next tool, with claim and tree kept; raised, the same conversation goes on in the same tree",
  async () => {
    // The turns after the first go on no faster than the meter, which is a second late.
    await spend("write ordered.txt", [bash("echo paid for > ordered.txt"), { ...bash("echo more"), delayMs: 1500 }], 1);
    expect(journal()).toMatch(/gate: Bash refused: Not done: the voyage's budget of \$[\d.]+ is spent/);
    await asksNothing();
    const [row] = (await fleet.status()).ships;
    expect(row).toMatchObject({ state: "working", note: expect.stringMatching(/the voyage's budget of \$[\d.]+ is spent/) });

    // What the session has left on the screen would be taken for the next one's.
    execFileSync("tmux", ["send-keys", "-R", "-t", "=claude:"], { env: ship.environment() });
    await fleet.follow({ budgetUsd: 10 });
    await waits();
    fleet.api.script = () => ({ text: "Still here, captain." });
    await order("are you there?");
    await shows("Still here, captain.");
    expect(fleet.api.calls.at(-1)!.prompt).toContain("write ordered.txt");
    expect(sessions()).toBe(1);
    expect(tree("ordered.txt")).toBe("paid for\n");
    expect(left()).toBe("");
    expect(await fleet.task("1")).toMatchObject({ status: "claimed", epoch: 1, tries: 0 });
  },
  LONG,
);

test(
  "an empty sail that has done its order before it is told that the budget is spent is ended all the same",
  async () => {
    const [calls, events] = [fleet.api.calls.length, journal().length];
    await spend("write more.txt", [bash("echo this too > more.txt"), { text: "It is done, captain." }], 2);
    expect(fleet.api.calls).toHaveLength(calls + 2);
    expect(journal().slice(events)).not.toContain("refused");
    expect(tree("more.txt")).toBe("this too\n");
  },
  LONG,
);

test(
  "an empty sail that is told to end while its budget is spent brings what lies in the tree home, as a commit on the branch",
  async () => {
    const { met } = await fleet.helm.stopShip(ID, ship.name, ship.incarnation, 30);
    expect(met).toBe(true);
    expect(await fleet.ended(ship)).toBe(0);
    expect(fleet.file("ordered.txt")).toBe("paid for");
    expect(fleet.file("more.txt")).toBe("this too");
    expect(gitIn(fleet.at.repo, "log", "-1", "--format=%an: %s", STACK)).toBe("ship-0: Write 1");
    expect(left()).toBe("");
  },
  LONG,
);
