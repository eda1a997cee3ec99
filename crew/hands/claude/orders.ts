import { randomUUID } from "node:crypto";
import type { Grant } from "../../../lib/protocol/ship-claims.ts";
import { type ClaimContext, forALease, handBaseEnvironment } from "../../claim/context.ts";
import { Delivery } from "../../claim/delivery.ts";
import type { Hand } from "../../claim/hand.ts";
import { no, yes } from "../../gates/gatekeeper.ts";
import { judgeCommand } from "../../gates/git-rules.ts";
import { Halt } from "../../helm/halt.ts";
import { pause } from "../../machine/pause.ts";
import type { TaskLog } from "../../machine/task-log.ts";
import { credentialsNow } from "./account/credentials.ts";
import { claudeEnvironment } from "./account/environment.ts";
import { Spending } from "./account/spending.ts";
import { renderOrdersRules } from "./prompt.ts";
import { Tui } from "./screen/tui.ts";

/** How long it may take to deliver the tree before an ordered end: whoever ordered it waits half a minute. */
const HOME_MS = 20_000;
const WAITING = "waiting for orders";

/**
 * The hand of an empty sail: Claude Code waits on its own screen for what the captain types, until the crew is told to
 * end. What lies in the tree then becomes a commit on the voyage's branch. The one task of such a voyage is never done
 * for good: the next crew goes on. When the money is spent, or the ship gets other credentials than the session began
 * with, the session ends and goes on later; claim and tree stay.
 */
export const ordersHand: Hand = async (context, grant, delivery, log, signal) => {
  const { ship, hello, claim, steering, journal } = context;
  if (!context.resumes) await delivery.begin();
  // This task has no tries, so nothing is counted against it.
  delivery.handBegan = true;
  let over = new AbortController();
  let idle = true;
  /** What the session is told when it goes on; with "" it waits for a person. */
  let first = "";
  /**
   * The credentials that the session began with, and those that were refused last, while nothing was answered since.
   */
  let credentials = "";
  let refused = "";
  const tui: Tui = await Tui.open(context, {
    hand: grant.hand!,
    rules: renderOrdersRules({ ship: ship.config.ship, voyage: hello.voyage.name }),
    prompt() {
      const told = first;
      first = "";
      return told;
    },
    env() {
      credentials = credentialsNow(ship);
      refused = "";
      claim.show(WAITING);
      return environment(context);
    },
    status: () => `${ship.config.ship} · voyage ${hello.voyage.name}`,
    async judge(input) {
      idle = input.hook_event_name === "Stop";
      if (refused !== "") claim.show(WAITING);
      refused = "";
      const { spent } = steering;
      if (spent !== null) {
        over.abort(new Interrupted(spent));
        return idle ? yes : no(`Not done: ${spent}. This session ends here, and goes on when it is raised.`);
      }
      if (input.tool_name !== "Bash") return yes;
      const why = judgeCommand(String(input.tool_input?.command ?? ""));
      return why === null ? yes : no(why);
    },
    waitsFor: () => true,
    onStuck(why, kind) {
      if (kind === "spent") return over.abort(new Interrupted(why));
      journal.note(kind, `${why}; a message typed later is tried again`);
      if (kind !== "refused") return;
      refused = credentials;
      claim.show(why);
      renew(over).catch(() => {});
    },
  });

  /** Ends the session, which has refused credentials in its environment, once `up` has brought others. */
  async function renew(session: AbortController): Promise<void> {
    const either = AbortSignal.any([signal, session.signal]);
    while (refused === credentialsNow(ship)) await pause(hello.heartbeatSeconds * 1000, either);
    if (refused === "") return;
    session.abort(new Interrupted("there are other credentials", "There are other credentials now. Go on where you were."));
  }

  /** Runs the session again whenever it was interrupted. Throws what ends the claim. */
  async function keep(): Promise<never> {
    for (; ; over = new AbortController()) {
      try {
        return await tui.keep(AbortSignal.any([signal, over.signal]));
      } catch (error) {
        if (signal.aborted || !(error instanceof Interrupted)) throw error;
        journal.note("interrupted", `the session is ended: ${error.message}`);
        first = error.first;
        if (steering.spent === null) continue;
        claim.show(error.message);
        context.window.say(`${error.message}. The session goes on when it is raised.\r\n`);
      }
      while (steering.spent !== null) await pause(hello.heartbeatSeconds * 1000, signal);
    }
  }

  // What the last answer has cost is known only after its turn, when no gate asks any more.
  const look = () => idle && steering.spent !== null && over.abort(new Interrupted(steering.spent));
  const account = randomUUID();
  const held = { task: grant.task.id, epoch: grant.epoch, session: account };
  await context.helm.call("session", held, forALease(context, signal));
  const spending = await Spending.open(context, grant, tui.meter);
  spending.begin(account, null);
  const looking = setInterval(look, hello.heartbeatSeconds * 1000);
  try {
    return await keep();
  } catch (error) {
    await spending.abandon();
    if (!(error instanceof Halt) || error.kind !== "stop") throw error;
    if (await bringHome(context, grant, log)) return { kind: "accepted" };
    // What was not accepted is saved as what was left.
    throw error;
  } finally {
    clearInterval(looking);
    await spending.close();
    await tui.close();
  }
};

/** Ends the session, which is to go on later. */
class Interrupted extends Error {
  /** What the session is told when it goes on. */
  readonly first: string;
  constructor(message: string, first = "") {
    super(message);
    this.first = first;
  }
}

/** Delivers what lies in the tree. Returns false when there is nothing, or it was not accepted. */
async function bringHome(context: ClaimContext, grant: Grant, log: TaskLog): Promise<boolean> {
  const patience = AbortSignal.timeout(HOME_MS);
  try {
    if (!(await context.tree.differsFrom(grant.tip, patience))) return false;
    const offered = await new Delivery(context, grant, log, patience).offer("What the captain had done by hand", 0);
    return offered.kind === "accepted";
  } catch (error) {
    context.journal.note("not-home", `what lies in the tree was not delivered: ${(error as Error).message}`);
    return false;
  }
}

/**
 * The session's environment. Its list of things to do is its own: the voyage's task list is overwritten by a sync from
 * the captain.
 */
function environment(context: ClaimContext): NodeJS.ProcessEnv {
  const { CLAUDE_CODE_TASK_LIST_ID: _list, ...env } = claudeEnvironment(context.ship, handBaseEnvironment(context));
  return { ...env, CLAUDE_CODE_ENABLE_TASKS: "0" };
}
