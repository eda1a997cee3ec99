import type { HelloReply } from "../../../lib/protocol/ship-api.ts";
import type { Grant } from "../../../lib/protocol/ship-claims.ts";
import { type ClaimContext, forALease, handBaseEnvironment } from "../../claim/context.ts";
import { no } from "../../gates/gatekeeper.ts";
import { gatePlaces } from "../../gates/hook-settings.ts";
import { asHalt, Halt } from "../../helm/halt.ts";
import { pause } from "../../machine/pause.ts";
import { TreeUnready } from "../../tree/unready.ts";
import { verify } from "../../verify/verify.ts";
import { claudeEnvironment } from "./account/environment.ts";
import { BudgetSpent } from "./account/spending.ts";
import { INTERACTIVE_START, renderInteractiveResume, renderInteractiveRules } from "./prompt.ts";
import { LONGEST_WAIT_MS } from "./retry-policy.ts";
import { ClaimsByGate } from "./screen/claims-by-gate.ts";
import { isAttended } from "./screen/tmux.ts";
import { Tui } from "./screen/tui.ts";
import { endUnfit } from "./unfit.ts";

/** How often the helm is asked while a person is at a session that has nothing to do: such a session stays. */
const ATTENDED_LOOK_MS = 2_000;
/** How often a session that claims nothing is told that it could. */
const TOLD = 3;
/**
 * What a gate answers while verify.sh runs: the session's folder is then the checkout that is judged
 * (crew/verify/verified-tree.ts).
 */
const WHILE_VERIFYING =
  "The plan's verify.sh is run in this folder now, and nothing may change there until it has ended. End your turn; you are told when there is work.";

type Run = (claim: (signal: AbortSignal) => Promise<void>) => Promise<void>;
type Settings = NonNullable<HelloReply["interactive"]>;

/**
 * Has the model claim its tasks itself, in one session with Claude Code's own screen (`claude.interactive` of the
 * plan). Verifications are still done by the supervisor. Returns when there is nothing to do and nobody looks on;
 * throws Halt.
 *
 * @param onClaim runs the work on a claim so that it can be ended from outside
 */
export async function workInteractively(
  context: ClaimContext,
  settings: Settings,
  signal: AbortSignal,
  onClaim: Run,
): Promise<{ why: "nothing"; text: string }> {
  for (let { claim } = context.hello; ; claim = null) {
    const { why, text } = await keepSession(context, settings, claim, signal, onClaim);
    if (why === "nothing") return { why, text };
    // The next session may find a task that has money left, and verify.sh needs none.
    context.journal.note("spent", `the session is ended: ${text}`);
    context.window.say(`${text}\r\n`);
  }
}

/**
 * Keeps the session at work, from when there is something to claim until nothing is left or a budget is spent.
 *
 * @param claim a claim that an earlier crew held, with the tree as that crew left it
 */
async function keepSession(
  context: ClaimContext,
  settings: Settings,
  claim: Grant | null,
  signal: AbortSignal,
  onClaim: Run,
): Promise<{ why: "nothing" | "spent"; text: string }> {
  const { ship, hello, helm } = context;
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const finish = (text: string) => over.abort(new Error(text));
  /** Hears of a failure of `rest`, which waits in the background, so that nobody else would. */
  const whenRestEnds = (error: unknown) => both.aborted || over.abort(asHalt(error));
  /** Is raised by whatever the model does: work is looked for while it does nothing. */
  let stirred = 0;
  let told = 0;
  let taken = 0;
  let verifying = false;

  const tui: Tui = await Tui.open(context, {
    hand: settings,
    rules: renderInteractiveRules({ ship: ship.config.ship, voyage: hello.voyage.name }, settings.spec),
    prompt: (resumed) => (resumed ? renderInteractiveResume(claims.task) : INTERACTIVE_START),
    env: () => claudeEnvironment(ship, handBaseEnvironment(context)),
    status: () => [ship.config.ship, claims.task ? `task ${claims.task}` : "no task"].join(" · "),
    async judge(input) {
      if (verifying && input.hook_event_name === "PreToolUse") return no(WHILE_VERIFYING);
      const turn = ++stirred;
      const verdict = await claims.judge(input);
      if (claims.spent !== null) void claims.quiet.then(endWhenSpent);
      else if (input.hook_event_name === "Stop" && claims.task === null) rest(turn).catch(whenRestEnds);
      return verdict;
    },
    waitsFor: (untilMs) => claims.task !== null && untilMs - Date.now() <= LONGEST_WAIT_MS,
    onStuck(why, kind) {
      if (kind === "spent") return over.abort(new BudgetSpent(why));
      if (kind !== "limit" || claims.task !== null) return finish(why);
      // The session holds no task, so it may wait until the helm has one for it.
      told = 0;
      rest(++stirred).catch(whenRestEnds);
    },
  });
  const claims = new ClaimsByGate({
    context,
    meter: tui.meter,
    gateProgram: gatePlaces(ship.crew).program,
    claude: () => tui.pid,
    onClaim,
  });

  function endWhenSpent(): void {
    if (claims.spent !== null) over.abort(new BudgetSpent(claims.spent));
  }
  /** Waits for work and returns the tasks that are free; null when there is none and nobody looks on. */
  async function work(isStill: () => boolean): Promise<string[] | null> {
    for (const since = performance.now(); isStill(); ) {
      const reply = await helm.call("claim", { only: "verify" }, forALease(context, both));
      if (reply.kind === "grant") return [reply.grant.task.id];
      if (reply.kind === "verify") {
        verifying = true;
        await onClaim((ending) => verify(context, reply, ending).catch(() => {})).finally(() => {
          verifying = false;
        });
      }
      if (reply.kind !== "nothing") continue;
      if (reply.reason !== "paused" && reply.free?.length) return reply.free;
      const rested = reply.reason === "done" || performance.now() - since > hello.lingerSeconds * 1000;
      if (rested && !(await isAttended())) return null;
      await pause(rested ? ATTENDED_LOOK_MS : Math.max(50, reply.retryAfterSeconds * 1000), both);
    }
    return [];
  }
  /** Tells the model, after a turn, what has become free, or ends the session. */
  async function rest(turn: number): Promise<void> {
    const free = await work(() => turn === stirred);
    if (free === null) return finish("nothing to claim");
    if (free.length === 0 || turn !== stirred) return;
    if (claims.taken > taken) told = 0;
    taken = claims.taken;
    if (++told <= TOLD) return tui.say(`Free now: ${free.join(", ")}. Claim one and go on.`, both);
    // Each time costs a turn, so it is not told for ever.
    const message = `its session claims nothing, though it was told ${TOLD} times that tasks are free`;
    await helm.call("trial", { fit: false, message }, forALease(context, signal)).catch(() => {});
    finish(message);
  }

  try {
    if (claim) {
      claims.take(claim, true);
      endWhenSpent();
      both.throwIfAborted();
    } else {
      if ((await work(() => true)) === null) return { why: "nothing", text: "nothing to claim" };
      // A session starts in a folder, so the tree is made ready before it has a task.
      await context.tree
        .reset(hello.voyage.branch, `refs/remotes/origin/${hello.voyage.branch}`, both)
        .catch((error: Error) => (error instanceof TreeUnready ? endUnfit(context, error.message, both) : Promise.reject(error)));
    }
    return await tui.keep(both);
  } catch (error) {
    if (signal.aborted || !over.signal.aborted || over.signal.reason instanceof Halt)
      throw error instanceof Error ? error : new Halt("stop", String(error));
    return { why: over.signal.reason instanceof BudgetSpent ? "spent" : "nothing", text: (over.signal.reason as Error).message };
  } finally {
    over.abort(new Error("the session has ended"));
    if (signal.aborted) await claims.settled();
    else await claims.giveBack((over.signal.reason as Error).message);
    await claims.tellBeside();
    await tui.close();
  }
}
