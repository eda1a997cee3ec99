import { randomUUID } from "node:crypto";
import type { Grant } from "../../lib/ship-api.ts";
import { type Deck, handBaseEnvironment } from "../deck.ts";
import { Delivery } from "../delivery.ts";
import { no, yes } from "../gates/gatekeeper.ts";
import { judgeCommand } from "../gates/git-rules.ts";
import { Halt } from "../halt.ts";
import type { Hand } from "../hand.ts";
import type { TaskLog } from "../task-log.ts";
import { claudeEnvironment } from "./claude/environment.ts";
import { renderOrdersRules } from "./claude/prompt.ts";
import { Spending } from "./claude/spending.ts";
import { Tui } from "./claude/tui.ts";

/** The tree is brought home before an ordered end; whoever ordered it waits half a minute. */
const HOME_MS = 20_000;

/**
 * The hand of an empty sail: Claude Code waits on its own screen for what the captain types, until the crew is told to end. What lies in the tree then
 * becomes a commit on the voyage's branch. Its one task is never done for good: the next crew goes on.
 */
export const waitForOrders: Hand = async (deck, grant, delivery, log, signal) => {
  const { ship, hello, journal } = deck;
  if (!deck.resumes) await delivery.begin();
  deck.heartbeat.note = "waiting for orders";
  const over = new AbortController();
  const tui: Tui = await Tui.open(deck, {
    hand: grant.hand ?? {},
    rules: renderOrdersRules({ ship: ship.config.ship, voyage: hello.voyage.name }),
    prompt: () => "",
    env: () => environment(deck),
    status() {
      // Asked for after each answer of the model.
      const { spent } = deck.heartbeat;
      if (spent !== null) over.abort(new NoMoney(spent));
      return `${ship.config.ship} · voyage ${hello.voyage.name}`;
    },
    async judge(input) {
      if (input.tool_name !== "Bash") return yes;
      const refused = judgeCommand(String(input.tool_input?.command ?? ""));
      return refused === null ? yes : no(refused);
    },
    waitsFor: () => true,
    onStuck(why, kind) {
      if (kind === "spent") over.abort(new NoMoney(why));
      else journal.note(kind, `${why}; a message typed later is tried again`);
    },
  });
  const account = randomUUID();
  const held = { task: grant.task.id, epoch: grant.epoch, session: account };
  await deck.helm.call("session", held, { totalMs: hello.leaseSeconds * 1000, signal });
  const spending = await Spending.open(deck, grant, tui.meter);
  spending.begin(account, null);
  try {
    return await tui.keep(AbortSignal.any([signal, over.signal]));
  } catch (error) {
    await spending.abandon();
    if (error instanceof NoMoney) return { kind: "handed-back", reason: error.message };
    if (!(error instanceof Halt) || error.kind !== "stop") throw error;
    if (await bringHome(deck, grant, log)) return { kind: "accepted" };
    throw error; // what was not accepted is saved as what was left
  } finally {
    await spending.close();
    await tui.close();
  }
};

class NoMoney extends Error {}

/** Delivers what lies in the tree. False when there is nothing, or it was not taken. */
async function bringHome(deck: Deck, grant: Grant, log: TaskLog): Promise<boolean> {
  const patience = AbortSignal.timeout(HOME_MS);
  try {
    if (!(await deck.tree.differsFrom(grant.tip, patience))) return false;
    const offered = await new Delivery(deck, grant, log, patience).offer("What the captain had done by hand", 0);
    return offered.kind === "accepted";
  } catch (error) {
    deck.journal.note("not-home", `what lies in the tree was not delivered: ${(error as Error).message}`);
    return false;
  }
}

/** Its list of things to do is its own: the task list of the voyage is put right by a sync, which would take it away. */
function environment(deck: Deck): NodeJS.ProcessEnv {
  const { CLAUDE_CODE_TASK_LIST_ID: _list, ...env } = claudeEnvironment(deck.ship, handBaseEnvironment(deck));
  return { ...env, CLAUDE_CODE_ENABLE_TASKS: "0" };
}
