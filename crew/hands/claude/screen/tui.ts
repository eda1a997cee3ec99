import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SessionSettings } from "../../../../lib/plan/types.ts";
import type { ClaimContext } from "../../../claim/context.ts";
import type { HookInput, Verdict } from "../../../gates/gatekeeper.ts";
import { gatePlaces } from "../../../gates/hook-settings.ts";
import { listenForGates } from "../../../gates/socket.ts";
import { pause } from "../../../machine/pause.ts";
import { run } from "../../../machine/run.ts";
import { type Meter, meterFor } from "../account/meter.ts";
import { backOff, FAILURES } from "../retry-policy.ts";
import { transcriptOf } from "../transcript.ts";
import { endUnfit, endWithoutClaude, hangGatesOrEnd } from "../unfit.ts";
import { answerDialogs } from "./dialogs.ts";
import { Recovery, type RecoveryParts } from "./recovery.ts";
import { keepSessionLog } from "./session-log.ts";
import { type } from "./tmux.ts";

/** The longest time there is: a session that waits for a person has no bound, and ends with the claim loop. */
const NEVER_MS = 2 ** 31 - 1;
/** A session that ends sooner than this has not worked. */
const LIVED_MS = 60_000;

/** What the owner of the session decides. */
export type TuiParts = RecoveryParts & {
  hand: SessionSettings;
  /** The rules that are appended to Claude Code's own system prompt. */
  rules: string;
  /** Returns the first message of a session, or of one that goes on; with "" it waits for a person. */
  prompt: (resumed: boolean) => string;
  env: () => NodeJS.ProcessEnv;
  /** Answers a hook. */
  judge: (input: HookInput) => Promise<Verdict>;
  /** Returns what is shown below the input line. */
  status: () => string;
};

/**
 * Runs Claude Code with its own screen in the tmux session `claude`. It is one session, which is resumed whenever
 * Claude Code has ended: a person typed /exit, or it crashed. The session's id is on the ship's disk before it starts.
 */
export class Tui {
  /** Counts all that the session uses while this crew keeps it. */
  readonly meter: Meter;
  /** The pid of Claude Code. */
  pid = 0;
  readonly #context: ClaimContext;
  readonly #parts: TuiParts;
  readonly #idFile: string;
  readonly #recovery: Recovery;
  #session: string;
  /** What the session has cost, by Claude Code's own count. */
  #costUsd = 0;

  private constructor(context: ClaimContext, parts: TuiParts, meter: Meter) {
    this.#context = context;
    this.#parts = parts;
    this.meter = meter;
    this.#recovery = new Recovery(context, parts, (text, signal) => this.say(text, signal));
    this.#idFile = join(context.ship.crew, "interactive-session");
    this.#session = existsSync(this.#idFile) ? readFileSync(this.#idFile, "utf8") : randomUUID();
  }

  static async open(context: ClaimContext, parts: TuiParts): Promise<Tui> {
    return new Tui(context, parts, await meterFor(context, parts.hand.prices));
  }

  close(): Promise<void> {
    return this.meter.close();
  }

  /**
   * Keeps the session running until `signal` aborts. Throws the signal's reason, or Halt "stop" when it cannot be kept
   * running.
   */
  async keep(signal: AbortSignal): Promise<never> {
    const { ship, journal, hello } = this.#context;
    const crew = ship.crew;
    const places = gatePlaces(crew);
    const rulesFile = join(crew, "claude-rules.md");
    writeFileSync(rulesFile, this.#parts.rules, { mode: 0o600 });
    const closeDoor = await listenForGates(places.socket, (input) => this.#judge(input, signal));
    try {
      for (let failures = 0; ; ) {
        await hangGatesOrEnd(this.#context, places, signal, true);
        const resume = transcriptOf(ship, this.#session) !== null;
        if (!resume) this.#session = randomUUID();
        writeFileSync(this.#idFile, this.#session, { mode: 0o600 });
        journal.note("screen", `Claude Code's own screen: session ${this.#session}${resume ? ", resumed" : ""}`);
        const closeLog = keepSessionLog(ship, this.#session);
        const { seconds, exitCode } = await this.#run(resume, places.settings, rulesFile, signal).finally(closeLog);
        failures = seconds * 1000 > LIVED_MS ? 0 : failures + 1;
        if (failures >= FAILURES) {
          const why = `Claude Code's screen ended ${failures} times in a row, at last with exit status ${exitCode}`;
          await endUnfit(this.#context, why, signal);
        }
        await pause(backOff(hello, failures), signal);
      }
    } finally {
      await closeDoor();
    }
  }

  /** Types a message into the session, once nobody else is typing. */
  say(text: string, signal: AbortSignal): Promise<void> {
    return type(text, signal, this.#recovery.asking);
  }

  #run(resume: boolean, settingsFile: string, rulesFile: string, signal: AbortSignal) {
    const { ship, tree, window } = this.#context;
    const { hand } = this.#parts;
    const env = { ...this.#parts.env(), ...this.meter.environment };
    const prompt = this.#parts.prompt(resume);
    answerDialogs(ship.home, tree.folder, env);
    return run({
      argv: [
        "claude",
        ...(resume ? ["--resume", this.#session] : ["--session-id", this.#session]),
        ...["--dangerously-skip-permissions", "--model", hand.model],
        ...["--settings", settingsFile, "--append-system-prompt-file", rulesFile],
        ...(hand.effort ? ["--effort", hand.effort] : []),
        ...(prompt ? [prompt] : []),
      ],
      cwd: tree.folder,
      env,
      timeoutMs: NEVER_MS,
      mark: ship.mark,
      signal,
      onStart: (pid) => {
        this.pid = pid;
      },
      start: window.start(true),
    }).catch((error: unknown) => endWithoutClaude(this.#context, error, signal));
  }

  async #judge(input: HookInput, signal: AbortSignal): Promise<Verdict> {
    if (input.hook_event_name === "StatusLine") {
      this.#recovery.shown(input);
      this.#costUsd = Math.max(this.#costUsd, input.cost?.total_cost_usd ?? 0);
      return { allow: true, context: `${this.#parts.status()} · $${this.#costUsd.toFixed(2)}` };
    }
    if (input.hook_event_name === "StopFailure") {
      this.#recovery.failed(input, signal).catch(() => {});
      return { allow: true };
    }
    this.#recovery.answered(input);
    this.#context.claim.stir();
    const verdict = await this.#parts.judge(input);
    if (!verdict.allow) {
      const what = input.tool_name ?? input.hook_event_name;
      this.#context.journal.note("gate", `gate: ${what} refused: ${verdict.reason.split("\n")[0]}`);
    }
    return verdict;
  }
}
