import { StringDecoder } from "node:string_decoder";
import type { Grant } from "../../../lib/protocol/ship-claims.ts";
import type { Counts } from "../../../lib/protocol/ship-reports.ts";
import { run, type Start } from "../../machine/run.ts";
import type { ModelResult, SessionCost } from "./account/usage.ts";
import { type Failure, failureOf, type RateLimit } from "./failure.ts";

/** A line of Claude Code's `--output-format stream-json`, as far as it is read here. */
export type StreamEvent = {
  type: string;
  subtype?: string;
  message?: {
    id?: string;
    content: {
      type: string;
      text?: string;
      id?: string;
      name?: string;
      input?: Record<string, unknown>;
      tool_use_id?: string;
      content?: unknown;
      is_error?: boolean;
    }[];
    usage?: ApiUsage;
  };
  // The fields of system/init.
  tools?: string[];
  // The fields of system/api_retry.
  attempt?: number;
  max_retries?: number;
  error?: string;
  error_status?: number | null;
  // The field of rate_limit_event.
  rate_limit_info?: RateLimit;
  // The fields of result.
  is_error?: boolean;
  result?: string;
  total_cost_usd?: number;
  num_turns?: number;
  usage?: ApiUsage;
  modelUsage?: Record<string, ModelResult>;
};
type ApiUsage = {
  input_tokens?: number;
  output_tokens?: number;
  cache_read_input_tokens?: number;
  cache_creation_input_tokens?: number;
};

/**
 * How a run of Claude Code ended: `ended`, by itself; `turns`, `budget` and `time`, at that bound; `unfit`, this Claude
 * Code cannot do the work; `crash`, anything else that is no failure of the API. `message` is Claude Code's own.
 */
type End = Failure | { kind: "ended" | "turns" | "budget" | "unfit" | "crash" | "time"; message: string };
export type RunEnd = End & { usage: RanUsage };
/** What a run has used by its own result: tokens and turns of the run, and the cost of its session so far. */
export type RanUsage = { counts: Counts; session: SessionCost };

/** What a run of a session is started with. */
export type SessionStart = {
  session: string;
  resume: boolean;
  prompt: string;
  hand: NonNullable<Grant["hand"]>;
  settingsFile: string;
  rulesFile: string;
  cwd: string;
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  mark: string;
  signal: AbortSignal;
  onStart: (pid: number) => void;
  onEvent: (event: StreamEvent) => void;
  /** Takes what Claude Code writes to stderr. */
  onOutput: (chunk: Buffer) => void;
  /** How Claude Code is started. @default as a child of this process */
  start?: Start;
};

/** Tools without which an agent does not see the voyage's tasks, and cannot complete its own. */
const NEEDED_TOOLS = ["TaskList", "TaskUpdate"];

/** Runs Claude Code until it ends. Throws the signal's reason when that aborts, and CannotStart. */
export async function runSession(start: SessionStart): Promise<RunEnd> {
  const { hand } = start;
  const argv = [
    "claude",
    "-p",
    ...(start.resume ? ["--resume", start.session] : ["--session-id", start.session]),
    ...["--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions"],
    ...["--model", hand.model, "--settings", start.settingsFile, "--append-system-prompt-file", start.rulesFile],
    ...(hand.effort ? ["--effort", hand.effort] : []),
    ...(hand.maxTurns ? ["--max-turns", String(hand.maxTurns)] : []),
    // Claude Code counts by its own prices alone. Where the plan has others, the crew ends a run whose budget is spent.
    ...(hand.budgetUsd && !hand.prices ? ["--max-budget-usd", String(hand.budgetUsd)] : []),
  ];
  const seen = new Seen();
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const ran = await run({
    argv,
    cwd: start.cwd,
    env: start.env,
    timeoutMs: start.timeoutMs,
    mark: start.mark,
    signal: start.signal,
    onStart: start.onStart,
    onOutput: start.onOutput,
    ...(start.start && { start: start.start }),
    // The prompt goes by stdin, since a spec may be longer than an argument can be.
    input: start.prompt,
    onStdout: (chunk) => {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const event = parseEvent(line);
        if (!event) continue;
        seen.take(event);
        start.onEvent(event);
      }
    },
  });
  const usage = seen.usage(ran.seconds);
  if (ran.timedOut) return { kind: "time", message: "", usage };
  return { ...seen.end(ran.exitCode, ran.tail), usage };
}

/** Gathers what a stream has told so far. */
class Seen {
  #tools: string[] | null = null;
  #result: StreamEvent | null = null;
  #limit: RateLimit | null = null;
  #lastError = "";
  /** The usage of each message: each of its blocks comes as an event of its own, with the same usage. */
  readonly #messages = new Map<string, ApiUsage>();

  take(event: StreamEvent): void {
    if (event.type === "system" && event.subtype === "init") this.#tools = event.tools ?? [];
    if (event.type === "system" && event.subtype === "api_retry") this.#lastError = event.error ?? "";
    if (event.type === "assistant") {
      if (event.error) this.#lastError = event.error;
      if (event.message?.id && event.message.usage) this.#messages.set(event.message.id, event.message.usage);
    }
    if (event.type === "rate_limit_event" && event.rate_limit_info?.status === "rejected") this.#limit = event.rate_limit_info;
    if (event.type === "result") this.#result = event;
  }

  end(exitCode: number | null, tail: string): End {
    const message = (this.#result?.result ?? tail.trim().slice(-500)) || `exit status ${exitCode}`;
    const as = (kind: Exclude<End["kind"], Failure["kind"]>) => ({ kind, message });
    const missing = this.#tools && NEEDED_TOOLS.filter((tool) => !this.#tools!.includes(tool));
    if (missing?.length) return { kind: "unfit", message: `this Claude Code offers no ${missing.join(", ")}` };
    if (!this.#result) return as("crash");
    if (this.#result.subtype === "error_max_turns") return as("turns");
    if (this.#result.subtype === "error_max_budget_usd") return as("budget");
    if (!this.#result.is_error) return as("ended");
    return failureOf(message, this.#lastError, this.#limit);
  }

  /**
   * Returns what the run has used. Tokens are the run's and the cost is the session's, as Claude Code's result tells
   * them. What a result leaves out is taken from the messages; so are all tokens of a run without a result, whose cost
   * is then 0.
   */
  usage(seconds: number): RanUsage {
    const result = this.#result;
    const sum = (key: keyof ApiUsage) => [...this.#messages.values()].reduce((all, usage) => all + (usage[key] ?? 0), 0);
    // The result of a run that ended at a bound does not count the last answer.
    const tokens = (key: keyof ApiUsage) => Math.max(result?.usage?.[key] ?? 0, sum(key));
    const counts = {
      costUsd: 0,
      inputTokens: tokens("input_tokens"),
      outputTokens: tokens("output_tokens"),
      cacheReadTokens: tokens("cache_read_input_tokens"),
      cacheCreationTokens: tokens("cache_creation_input_tokens"),
      turns: result?.num_turns ?? this.#messages.size,
      seconds,
    };
    return { counts, session: { costUsd: result?.total_cost_usd ?? 0, models: result?.modelUsage ?? {} } };
  }
}

/** Reads a line of the stream or of a transcript; null for what is no JSON. */
export function parseEvent(line: string): StreamEvent | null {
  try {
    return JSON.parse(line) as StreamEvent;
  } catch {
    return null;
  }
}
