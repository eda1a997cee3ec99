import type { Offered } from "../claim/delivery.ts";
import type { HandEnd } from "../claim/hand.ts";
import { judgeCommand } from "./git-rules.ts";

/** What Claude Code tells a hook, as far as the gates look at it. */
export type HookInput = {
  hook_event_name: string;
  tool_name?: string;
  tool_input?: Record<string, unknown>;
  task_id?: string;
  prompt_id?: string;
  last_assistant_message?: string;
  transcript_path?: string;
  /** Why a turn failed, in a StopFailure: `rate_limit`, `authentication_failed`, `server_error`, … */
  error?: string;
  /** What the session has cost, in the question for the status line, which is asked like a hook. */
  cost?: { total_cost_usd?: number };
};
/**
 * A gate's answer. `reason` tells the model what is wrong and what to do instead. `context` tells it what it has to
 * know now; for the status line it is the text to show.
 */
export type Verdict = { allow: true; context?: string } | { allow: false; reason: string };

type Parts = {
  task: string;
  ship: string;
  /** Ends what the agent has left running, and offers the tree. */
  offer: (summary: string) => Promise<Offered>;
  /** Merges the tip into the tree after a conflict, and returns the files whose conflict is left to the agent. */
  merge: (tip: string) => Promise<string[]>;
  /** Returns those of the files that still hold a conflict's marks. */
  unresolved: (files: readonly string[]) => Promise<string[]>;
  /** Takes what the captain has left for this session since the last gate; null when that is nothing. */
  nudge: () => string | null;
  /** Says why the hand is to end at this gate, when no money is left; null while there is some. */
  spent: () => string | null;
};

export const yes: Verdict = { allow: true };
export const no = (reason: string): Verdict => ({ allow: false, reason });

export const NO_NEW_TASKS =
  "The plan is the captain's: no task can be added. Do what belongs to your own task; name what is missing in your summary.";

/** The hooks whose answer can tell the model something. */
const NUDGED = new Set(["PreToolUse", "Stop"]);

/**
 * A line by which the agent ends its task without completing it. The first such line counts, and all that follows
 * belongs to it.
 */
const SAYS = /^[ \t>*_#-]*(BLOCKED|CAPTAIN)\**:\**[ \t]*([\s\S]*)$/m;

/**
 * The gates of one claim: they decide what the agent may do with the voyage's tasks, and when it may end. They save
 * work and speak to the model; the truth is the helm's, and holds without them.
 */
export class Gatekeeper {
  /** How the agent has ended the task, as far as the gates have seen it; null while it has not. */
  end: HandEnd | null = null;
  readonly #parts: Parts;
  #offering: Promise<Verdict> | null = null;
  #conflict: string[] = [];
  #reminded = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Whether an offer of the tree is under way. */
  get offering(): boolean {
    return this.#offering !== null;
  }

  /**
   * Answers one hook. The hooks of one message of the model run at the same time, so several questions may be under
   * way.
   */
  async judge(input: HookInput): Promise<Verdict> {
    const nudge = NUDGED.has(input.hook_event_name) && this.end?.kind !== "accepted" ? this.#parts.nudge() : null;
    if (nudge === null) return this.#judge(input);
    // What is refused is surely read by the model: Claude Code does not pass on what is said beside a yes to each tool
    // (seen with a Bash of `claude -p`).
    const next = input.hook_event_name === "Stop" ? `go on with task ${this.#parts.task}` : "do this again if it still serves";
    return no(`Not done yet: there is word for you. ${nudge}\n\nHeed it, and ${next}.`);
  }

  async #judge(input: HookInput): Promise<Verdict> {
    switch (input.hook_event_name) {
      case "PreToolUse":
        // To complete the task costs nothing more, and keeps what is paid for.
        if (this.#parts.spent() !== null && this.end === null && input.tool_input?.status !== "completed")
          return no(`Not done: ${this.#parts.spent()}. This session ends here; what lies in your tree is kept. End your turn.`);
        if (input.tool_name === "TaskUpdate") return this.#update(input.tool_input ?? {});
        if (input.tool_name === "TaskCreate") return no(NO_NEW_TASKS);
        if (input.tool_name === "Bash") return this.#command(String(input.tool_input?.command ?? ""));
        return yes;
      case "TaskCompleted":
        if (input.task_id === this.#parts.task && this.end?.kind === "accepted") return yes;
        return no(`Task ${input.task_id} has not been accepted by the helm.`);
      case "Stop":
        return this.#stop(input.last_assistant_message ?? "");
      default:
        throw new Error(`no gate for ${input.hook_event_name}`);
    }
  }

  async #update(update: Record<string, unknown>): Promise<Verdict> {
    const { task, ship } = this.#parts;
    const id = String(update.taskId ?? "").replace(/^#/, "");
    if (id !== task)
      return no(
        `Task ${id} is not yours. You hold task ${task} alone; the helm gives out the others when they are free. Go on with task ${task}.`,
      );
    if (this.end?.kind === "accepted") return yes;
    if (update.status === "deleted")
      return no("A task of the plan cannot be deleted. Complete it, or end your turn with BLOCKED: and why.");
    if (update.status === "pending")
      return no("To give the task back, end your turn with a last line that starts with BLOCKED: and says why.");
    if (update.owner !== undefined && update.owner !== ship)
      return no(`Task ${task} belongs to ${ship}, by the helm's ledger. Leave the owner out.`);
    const fixed = ["subject", "description", "addBlocks", "addBlockedBy"].filter((field) => update[field] !== undefined);
    if (fixed.length > 0) return no(`The plan is the captain's: ${fixed.join(", ")} cannot be changed.`);
    if (update.status !== "completed") return yes;
    const metadata = update.metadata as { summary?: unknown } | undefined;
    this.#offering ??= this.#offer(typeof metadata?.summary === "string" ? metadata.summary : "")
      .catch((error: Error) =>
        no(`Not delivered: ${error.message}\n\nIf you can do something about it, do; then complete the task again.`),
      )
      .finally(() => {
        this.#offering = null;
      });
    return this.#offering;
  }

  async #offer(summary: string): Promise<Verdict> {
    const left = await this.#parts.unresolved(this.#conflict);
    if (left.length > 0)
      return no(
        `The conflict is not resolved: its marks (<<<<<<<, >>>>>>>) are still in ${left.join(", ")}. Nothing was delivered.`,
      );
    const offered = await this.#parts.offer(summary);
    if (offered.kind === "accepted") {
      this.end = { kind: "accepted" };
      return yes;
    }
    if (offered.kind === "check-failed")
      return no(
        `Not accepted: the task's check ended with exit status ${offered.exitCode}. Its output:\n\n${offered.output}\n\nMend the work and complete the task again.`,
      );
    this.#conflict = await this.#parts.merge(offered.tip);
    const files = this.#conflict;
    return no(
      files.length > 0
        ? `Not accepted: another ship has changed ${files.join(", ")} meanwhile. Its work was merged into your tree, with git's conflict marks in: ${files.join(", ")}. Resolve them so that both changes are kept, and complete the task again. Do not commit.`
        : `Not accepted: the branch has moved, and its work was merged into your tree without a conflict. Look whether all is still right, and complete the task again.`,
    );
  }

  #command(command: string): Verdict {
    if (this.end?.kind === "accepted")
      return no(`Task ${this.#parts.task} is accepted: nothing that is done now counts. End your turn.`);
    const refused = judgeCommand(command);
    return refused === null ? yes : no(refused);
  }

  #stop(words: string): Verdict {
    if (this.end?.kind === "accepted") return yes;
    const [, word, rest = ""] = SAYS.exec(words) ?? [];
    if (word) {
      const text = rest.trim() || words.trim();
      this.end = word === "BLOCKED" ? { kind: "failed", reason: `blocked: ${text}` } : { kind: "asked", question: text };
      return yes;
    }
    const spent = this.#parts.spent();
    if (spent !== null) {
      this.end = { kind: "handed-back", reason: spent };
      return yes;
    }
    if (this.#reminded) {
      this.end = { kind: "failed", reason: `ended without completing the task, twice: ${words.trim()}` };
      return yes;
    }
    this.#reminded = true;
    const { task } = this.#parts;
    return no(
      `Task ${task} is not completed. If it is done, call TaskUpdate with taskId "${task}" and status "completed". If it cannot be done, end with a line that starts with BLOCKED: and says why. If only the captain can decide, end with CAPTAIN: and your question. If you end again without one of these, the task is given back.`,
    );
  }
}
