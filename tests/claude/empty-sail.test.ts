import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, steps } from "../support/claude/model.ts";
import type { Turn } from "../support/claude/stand-in-api.ts";
import { gitIn } from "../support/git.ts";
import type { TestShip } from "../support/test-ship.ts";
import { ClaudeFleet, claudePid, ID, STACK, screen } from "./fleet.ts";

// In an empty sail Claude Code waits on its own screen for what the captain types.
let fleet: ClaudeFleet;
afterEach(() => fleet?.close());
const LONG = INSTALL_MS + 120_000;
const TASKS = [{ id: "1" }];
const ORDERS = { claude: { interactive: true }, orders: true as const };
/** The tokens of an answer that costs $0.044; budget.test.ts holds it to that. */
const dear = (turn: Turn): Turn => ({ ...turn, tokens: { input: 1000, output: 2000, cacheRead: 0, cacheCreation: 0 } });
const waits = (ship: TestShip) => expect.poll(() => screen(ship), { timeout: 60_000 }).toContain("ship-0 · voyage");
async function order(ship: TestShip, text: string): Promise<void> {
  const keys = (...args: string[]) => execFileSync("tmux", ["send-keys", "-t", "=claude:", ...args], { env: ship.environment() });
  keys("-l", text);
  // A text that arrives together with its Enter would be taken for pasted.
  await expect.poll(() => screen(ship)).toContain(text);
  keys("Enter");
}
const tree = (ship: TestShip, file: string) =>
  existsSync(ship.path(`workspace/${file}`)) ? readFileSync(ship.path(`workspace/${file}`), "utf8") : null;
const left = () => gitIn(fleet.at.repo, "for-each-ref", "refs/ships/ship-0/left-*");
const journal = (ship: TestShip) => fleet.logs(ship)["supervisor.jsonl"]!;
const sessions = () => new Set(fleet.api.calls.map((talk) => talk.session)).size;

/** A turn that goes on, no faster than the meter, which is a second late. */
const MORE: Turn = { ...bash("echo more"), delayMs: 1500 };
/**
 * Brings an empty sail to the end of its budget, with a file in its tree. `then` is the model's turn after that file.
 */
async function spend(then: Turn): Promise<TestShip> {
  fleet = await ClaudeFleet.sail(TASKS, 1, ORDERS, { budgetUsd: 0.06 });
  const [ship] = fleet.ships as [TestShip];
  fleet.api.script = (talk) => dear(steps(bash("echo paid for > ordered.txt"), then)(talk));
  fleet.startAll();
  await waits(ship);
  await order(ship, "write ordered.txt");
  const { tasks } = await fleet.until("spent", (now) => now.state === "budget");
  expect(tasks[0]!.status).toBe("claimed");
  const said = "the session is ended: the voyage's budget of $0.0600 is spent";
  await expect.poll(() => journal(ship)).toContain(said);
  await expect.poll(() => screen(ship)).toContain("The session goes on when it is raised.");
  expect(claudePid(ship)).toBeUndefined();
  return ship;
}

test(
  "an empty sail whose budget is spent in the midst of an order: ended at the next tool, with claim and tree kept; raised, the same conversation goes on in the same tree",
  async () => {
    const ship = await spend(MORE);
    expect(journal(ship)).toContain("gate: Bash refused: Not done: the voyage's budget of $0.0600 is spent");
    const calls = fleet.api.calls.length;
    await fleet.heardOfAgain();
    expect(fleet.api.calls).toHaveLength(calls);
    const [row] = (await fleet.status()).ships;
    expect(row).toMatchObject({ state: "working", note: expect.stringContaining("the voyage's budget of $0.0600 is spent") });

    await fleet.register(TASKS, ORDERS, { budgetUsd: 10 });
    await waits(ship);
    fleet.api.script = steps({ text: "" }, { text: "Still here, captain." });
    await order(ship, "are you there?");
    await expect.poll(() => screen(ship), { timeout: 60_000 }).toContain("Still here, captain.");
    expect(fleet.api.calls.at(-1)!.prompt).toContain("write ordered.txt");
    expect(sessions()).toBe(1);
    expect(tree(ship, "ordered.txt")).toBe("paid for\n");
    expect(left()).toBe("");
    expect(await fleet.task("1")).toMatchObject({ status: "claimed", epoch: 1, tries: 0 });
  },
  LONG,
);

test(
  "an empty sail that is told to end while its budget is spent brings what lies in the tree home, as a commit on the branch",
  async () => {
    const ship = await spend(MORE);
    const { met } = await fleet.helm.stopShip(ID, ship.name, ship.incarnation, 30);
    expect(met).toBe(true);
    expect(await fleet.ended(ship)).toBe(0);
    expect(fleet.file("ordered.txt")).toBe("paid for");
    expect(gitIn(fleet.at.repo, "log", "-1", "--format=%an: %s", STACK)).toBe("ship-0: Write 1");
    expect(left()).toBe("");
  },
  LONG,
);

test(
  "an empty sail that has done its order before it is told that the budget is spent is ended all the same",
  async () => {
    const ship = await spend({ text: "It is done, captain." });
    expect(fleet.api.calls).toHaveLength(2);
    expect(journal(ship)).not.toContain("refused");
    expect(tree(ship, "ordered.txt")).toBe("paid for\n");
  },
  LONG,
);

test(
  "a token that is refused in an empty sail: told, and nothing is nudged; the next up's is taken by the same conversation, which goes on with its order",
  async () => {
    fleet = await ClaudeFleet.sail(TASKS, 1, ORDERS);
    const [ship] = fleet.ships as [TestShip];
    const token = (word: string) => fleet.credentials(ship, { CLAUDE_CODE_OAUTH_TOKEN: `sk-ant-oat01-${word}` });
    token("first");
    fleet.api.script = (talk) =>
      talk.credential.endsWith("second")
        ? { text: "Ten, captain." }
        : { fail: { status: 401, type: "authentication_error", message: "OAuth token has been revoked." } };
    fleet.startAll();
    await waits(ship);
    await order(ship, "count to ten");
    const { limited } = await fleet.until(
      "told",
      (now) => now.state === "limited" && now.ships[0]!.note !== "waiting for orders",
    );
    expect(limited!.message).toMatch(/credentials are refused: .*revoked/);
    const calls = fleet.api.calls.length;
    await fleet.heardOfAgain();
    expect(fleet.api.calls).toHaveLength(calls);

    token("second");
    await fleet.register(TASKS, ORDERS);
    await expect.poll(() => screen(ship), { timeout: 60_000 }).toContain("Ten, captain.");
    const { prompt } = fleet.api.calls.at(-1)!;
    expect(prompt).toContain("count to ten");
    expect(prompt).toContain("There are other credentials now. Go on where you were.");
    expect(sessions()).toBe(1);
    expect(journal(ship)).toContain("the session is ended: there are other credentials");
    await expect.poll(async () => (await fleet.status()).ships[0]!.note).toBe("waiting for orders");
    expect(await fleet.task("1")).toMatchObject({ status: "claimed", epoch: 1 });
  },
  LONG,
);
