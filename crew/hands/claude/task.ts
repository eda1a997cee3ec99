import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Grant } from "../../../lib/protocol/ship-claims.ts";
import { type ClaimContext, forALease, handEnvironment } from "../../claim/context.ts";
import type { Delivery } from "../../claim/delivery.ts";
import type { Hand, HandEnd } from "../../claim/hand.ts";
import { gatekeeperFor } from "../../gates/for-claim.ts";
import type { Gatekeeper } from "../../gates/gatekeeper.ts";
import { gatePlaces } from "../../gates/hook-settings.ts";
import { listenForGates } from "../../gates/socket.ts";
import type { TaskLog } from "../../machine/task-log.ts";
import { othersSince } from "./account/credentials.ts";
import { claudeEnvironment } from "./account/environment.ts";
import { BudgetSpent, Spending } from "./account/spending.ts";
import { type Failure, wordsOf } from "./failure.ts";
import { Narrator } from "./narrator.ts";
import { renderPrompt, renderResume, renderRules } from "./prompt.ts";
import { backOff, FAILURES, holdVoyage, LONGEST_WAIT_MS, waitUnlessLifted, waitWithMoney } from "./retry-policy.ts";
import { type RunEnd, runSession, type SessionStart } from "./session.ts";
import { keepTranscript, TRANSCRIPT_MS, transcriptOf } from "./transcript.ts";
import { endUnfit, endWithoutClaude, hangGatesOrEnd } from "./unfit.ts";

/** How long a session may go on after the helm has accepted its task: it has no more than a last word to say. */
const AFTERWORD_MS = 60_000;

/**
 * The hand `claude`: one fresh session of Claude Code for the task. The gates see how the agent ends the task; a
 * session whose end was not its own is resumed. The tree is the agent's until it completes the task: then what it has
 * left running is ended, and what lies in the tree is offered.
 */
export const claudeHand: Hand = async (context, grant, delivery, log, signal) => {
  const { ship } = context;
  const places = gatePlaces(ship.crew);
  const over = new AbortController();
  const spending = await Spending.open(context, grant);
  let claudePid = 0;

  const keeper = gatekeeperFor(context, grant, delivery, {
    gateProgram: places.program,
    claude: () => claudePid,
    onHalt: (halt) => over.abort(halt),
    onAccepted: () => setTimeout(() => over.abort(new Error("accepted")), AFTERWORD_MS).unref(),
  });

  const closeDoor = await listenForGates(places.socket, async (input) => {
    context.claim.stir();
    const verdict = await keeper.judge(input);
    if (!verdict.allow)
      context.journal.note("gate", `gate: ${input.tool_name ?? input.hook_event_name} refused: ${verdict.reason.split("\n")[0]}`);
    return verdict;
  });
  try {
    return await runs(context, grant, delivery, keeper, spending, log, AbortSignal.any([signal, over.signal]), {
      onStart(pid) {
        delivery.handBegan = true;
        claudePid = pid;
      },
      onEvent(event) {
        // A tool has ended and the model is about to be asked again. Not each tool has a gate, so a spent budget ends
        // the session here too.
        const spent = context.steering.spent ?? spending.spent;
        if (event.type === "user" && spent !== null && !keeper.offering) over.abort(new BudgetSpent(spent));
      },
    });
  } catch (error) {
    if (keeper.end?.kind === "accepted" && !signal.aborted) return { kind: "accepted" };
    if (error instanceof BudgetSpent) return { kind: "handed-back", reason: error.message };
    throw error;
  } finally {
    await closeDoor();
    await spending.close();
  }
};

/** Runs one session, again after each end that was not its own, until the task has ended. */
async function runs(
  context: ClaimContext,
  grant: Grant,
  delivery: Delivery,
  keeper: Gatekeeper,
  spending: Spending,
  log: TaskLog,
  signal: AbortSignal,
  watch: Pick<SessionStart, "onStart" | "onEvent">,
): Promise<HandEnd> {
  const { ship, hello, helm, claim, steering } = context;
  const { task, epoch } = grant;
  const who = { ship: ship.config.ship, voyage: hello.voyage.name };
  const rulesFile = join(ship.crew, "claude-rules.md");
  writeFileSync(rulesFile, renderRules(who, task.id), { mode: 0o600 });

  // A crew that came back goes on with the session, in the tree as it lies. A session that has written no transcript
  // cannot be resumed.
  let resume = grant.session !== undefined && transcriptOf(ship, grant.session) !== null;
  let session = resume ? grant.session! : randomUUID();
  let why = "the crew was started again";
  if (!resume) await delivery.begin();

  let leftMs = grant.timeoutSeconds * 1000;
  /**
   * Failures of the API since the model last answered, and of Claude Code in all, as it may do some work before each.
   */
  let apiFailures = 0;
  let crashes = 0;
  for (;;) {
    const budgetUsd = spending.left();
    if (steering.spent !== null) return { kind: "handed-back", reason: steering.spent };
    if (budgetUsd === 0) return { kind: "handed-back", reason: "nothing is left of its budget" };
    const places = gatePlaces(ship.crew);
    await hangGatesOrEnd(context, places, signal);
    if (!resume) await helm.call("session", { task: task.id, epoch, session }, forALease(context, signal));
    log.write(`-- task ${task.id}  ${task.subject}: session ${session}${resume ? ", resumed" : ""}\n`);
    const narrator = new Narrator();
    const name = `task-${task.id}-${epoch}`;
    const keeping = setInterval(() => keepTranscript(ship, session, name), TRANSCRIPT_MS);
    spending.begin(session, resume ? transcriptOf(ship, session) : null);
    const areOthersThere = othersSince(ship);
    let end: RunEnd | undefined;
    try {
      end = await runSession({
        session,
        resume,
        prompt: resume ? renderResume(grant, why) : renderPrompt(grant, who),
        hand: { ...grant.hand!, ...(budgetUsd !== undefined && { budgetUsd }) },
        settingsFile: places.settings,
        rulesFile,
        cwd: context.tree.folder,
        env: { ...claudeEnvironment(ship, handEnvironment(context, grant)), ...spending.environment },
        timeoutMs: leftMs,
        mark: ship.mark,
        signal,
        onStart: watch.onStart,
        start: context.window.start(false),
        onOutput: log.write,
        onEvent: (event) => {
          watch.onEvent(event);
          // What Claude Code says of its own tries to reach the model is no progress.
          if (event.type === "assistant" ? !event.error : event.type === "user") claim.stir();
          if (event.type === "assistant" && !event.error) apiFailures = 0;
          const text = narrator.tell(event);
          if (!text) return;
          log.write(text);
          claim.show(text.trim().split("\n")[0]!);
        },
      });
    } catch (error) {
      return await endWithoutClaude(context, error, signal);
    } finally {
      clearInterval(keeping);
      keepTranscript(ship, session, name);
      if (!end) await spending.abandon();
    }
    const used = await spending.end(end.usage, signal);
    leftMs -= used.seconds * 1000;
    log.write(`-- ${end.kind}: turns ${used.turns}, ${used.seconds.toFixed(0)} s, $${used.costUsd.toFixed(4)}\n`);

    const told = keeper.end;
    // An agent without the task tools could not complete its task, so what it says is not the task's end.
    if (end.kind === "unfit" && told?.kind !== "accepted") await endUnfit(context, end.message, signal);
    if (told) return told;
    if (end.kind === "ended") return { kind: "failed", reason: `ended without completing the task: ${end.message}` };
    if (end.kind === "turns")
      return { kind: "failed", reason: `stopped at its bound of turns, ${grant.hand?.maxTurns} (claude.maxTurns)` };
    // The helm knows whether the task's or the voyage's budget is spent. It is no failed try.
    if (end.kind === "budget") return { kind: "handed-back", reason: `stopped at $${budgetUsd}, what was left to spend` };
    if (end.kind === "time" || leftMs <= 0)
      return { kind: "failed", reason: `stopped after ${grant.timeoutSeconds} s, its time limit` };
    context.journal.note(end.kind, `task ${task.id}  ${end.kind}: ${end.message}`, { task: task.id, epoch, session });

    why = end.message;
    const isOld = (end.kind === "refused" || end.kind === "limit") && areOthersThere();
    if (end.kind === "refused" && !isOld) return await waitAsVoyage(end);
    if (end.kind === "limit" && !isOld) {
      const untilMs = await holdVoyage(context, end, signal);
      if (untilMs - Date.now() > LONGEST_WAIT_MS) return { kind: "handed-back", reason: end.message };
      claim.show(end.message);
      await waitUnlessLifted(context, untilMs, signal);
    } else if (!isOld) {
      const failures = end.kind === "api" ? ++apiFailures : ++crashes;
      if (failures >= FAILURES && end.kind === "api") return await waitAsVoyage(end);
      if (failures >= FAILURES)
        return { kind: "failed", reason: `Claude Code failed ${failures} times, at last: ${end.message}` };
      claim.show(end.message);
      await waitWithMoney(context, backOff(hello, failures), signal);
    }
    resume = transcriptOf(ship, session) !== null;
    if (!resume) session = randomUUID();
  }

  /**
   * Gives the claim back unharmed, since no task is at fault, and has no ship of the voyage take another for a while.
   */
  async function waitAsVoyage(failure: Failure): Promise<HandEnd> {
    await holdVoyage(context, failure, signal);
    return { kind: "handed-back", reason: wordsOf(failure) };
  }
}
