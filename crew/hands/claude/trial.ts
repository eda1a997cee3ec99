import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SessionSettings } from "../../../lib/plan/types.ts";
import { type ClaimContext, forALease, handBaseEnvironment } from "../../claim/context.ts";
import { gatePlaces, hangGates } from "../../gates/hook-settings.ts";
import { listenForGates } from "../../gates/socket.ts";
import { othersSince } from "./account/credentials.ts";
import { claudeEnvironment } from "./account/environment.ts";
import { NO_COST } from "./account/spending.ts";
import { asTold, NOTHING_USED, ofRun, type Used } from "./account/usage.ts";
import { type Failure, wordsOf } from "./failure.ts";
import { holdVoyage } from "./retry-policy.ts";
import { runSession } from "./session.ts";

/**
 * The longest that the trial may take: enough for Claude Code's own tries against an API that does not answer, so that
 * its own message is told.
 */
const TRIAL_MS = 90_000;
const PROMPT = "A trial of this ship before its first task. Do nothing, use no tool; answer with the one word: ready\n";
/**
 * How often a trial that crashed is tried: a hand that ends takes along all processes with the ship's mark, the trial's
 * too.
 */
const CRASHES = 3;

/** What the trial showed. */
type Proof = { fit: boolean; message: string; usage: Used; limit?: Failure };

/**
 * Shows that the hand can work, and tells the helm, which grants no task before: the tmux session opens, the gates
 * refuse when nobody answers them, and a real Claude Code takes the credentials, offers the Task tools, and asks the
 * gates before it ends.
 */
export async function proveHand(context: ClaimContext, hand: SessionSettings, signal: AbortSignal): Promise<void> {
  try {
    const { usage, fit, message, limit } = await prove(context, hand, signal);
    context.journal.note(
      "trial",
      fit ? `the hand can work (${usage.seconds.toFixed(1)} s)` : `the hand cannot work: ${message}`,
      {
        fit,
      },
    );
    const patience = forALease(context, signal);
    if (limit) await holdVoyage(context, limit, signal);
    // The trial is a run of no task: it counts as spend of the ship and of the voyage.
    if (usage.turns > 0)
      await context.helm.call("usage", { session: randomUUID(), run: randomUUID(), usage: asTold(usage) }, patience);
    await context.helm.call("trial", { fit, message: message.slice(0, 2000) }, patience);
  } catch (error) {
    if (!signal.aborted) context.journal.note("trial", `the trial was not completed: ${(error as Error).message}`);
  }
}

async function prove(context: ClaimContext, hand: SessionSettings, signal: AbortSignal): Promise<Proof> {
  const { ship } = context;
  const crew = ship.crew;
  const places = { ...gatePlaces(crew), settings: join(crew, "trial-settings.json"), socket: join(crew, "trial.sock") };
  const rulesFile = join(crew, "trial-rules.md");
  const cwd = join(ship.scratch, "trial");
  const asked = new Set<string>();
  try {
    await context.window.open();
    hangGates(places);
    mkdirSync(cwd, { recursive: true });
    writeFileSync(rulesFile, "", { mode: 0o600 });
  } catch (error) {
    return { fit: false, message: (error as Error).message, usage: NOTHING_USED };
  }
  const closeDoor = await listenForGates(places.socket, async (input) => {
    asked.add(input.hook_event_name);
    return { allow: true };
  });
  try {
    for (let tries = 1; ; tries++) {
      const areOthersThere = othersSince(ship);
      const end = await runSession({
        session: randomUUID(),
        resume: false,
        prompt: PROMPT,
        hand: { ...hand, maxTurns: 2 },
        settingsFile: places.settings,
        rulesFile,
        cwd,
        env: claudeEnvironment(ship, handBaseEnvironment(context)),
        timeoutMs: TRIAL_MS,
        mark: `${ship.mark}/trial`,
        signal,
        onStart: () => {},
        onEvent: () => {},
        onOutput: () => {},
      }).catch((error: Error) => {
        signal.throwIfAborted();
        return {
          kind: "unfit" as const,
          message: `no Claude Code on this ship: ${error.message}`,
          usage: { counts: NOTHING_USED, session: NO_COST },
        };
      });
      const { message } = end;
      const usage = ofRun(end.usage.counts, end.usage.session, NO_COST, hand.prices);
      if (end.kind === "crash" && tries < CRASHES) continue;
      // A launch puts its credentials on the ship a moment after the helm has asked for the trial.
      if ((end.kind === "limit" || end.kind === "refused") && areOthersThere()) continue;
      if (end.kind === "limit") return { fit: true, message, usage, limit: end };
      if (end.kind === "refused" || end.kind === "api") return { fit: false, message: wordsOf(end), usage };
      if (end.kind === "time") return { fit: false, message: `Claude Code did not answer in ${TRIAL_MS / 1000} s`, usage };
      if (end.kind !== "ended") return { fit: false, message, usage };
      if (!asked.has("Stop"))
        return { fit: false, message: "Claude Code ended without asking the gates: its hooks do not run here", usage };
      return { fit: true, message: "", usage };
    }
  } finally {
    await closeDoor();
  }
}
