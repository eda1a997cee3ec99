import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Token counts as the real API reports them. */
export type Tokens = { input: number; output: number; cacheRead: number; cacheCreation: number };

/** One turn of the scripted model: what it says, which tools it calls, or how the API fails. */
export type Turn = {
  text?: string;
  tools?: { name: string; input: Record<string, unknown> }[];
  /** An HTTP error instead of an answer: 401, 429, 529 and so on. */
  fail?: { status: number; type: string; message: string; headers?: Record<string, string> };
  tokens?: Tokens;
  delayMs?: number;
};

/** What a script decides by: the conversation as the API sees it, which is all that a model has. */
export type Conversation = {
  model: string;
  effort: string | undefined;
  /** Claude Code's id of this conversation. */
  session: string;
  /** The text that names the key, from `x-api-key` or from the bearer token. */
  credential: string;
  system: string;
  /** All of the user's own words, joined, with the reminders of the CLI among them. */
  prompt: string;
  /** The id of the task that the prompt gives ("Task 7:"), or "". */
  task: string;
  /** The results of all tool calls so far, in order. */
  results: { text: string; isError: boolean }[];
  /** How many turns the assistant has had so far. */
  turns: number;
  tools: string[];
};

export type Script = (talk: Conversation) => Turn | Promise<Turn>;

/**
 * What the API answers at an account's usage limit, which is over at `reset`, in seconds since the epoch; with null it
 * does not say when. Claude Code takes this answer for a usage limit only when it has an OAuth token.
 */
export const usageLimit = (reset: number | null): Turn => ({
  fail: {
    status: 429,
    type: "rate_limit_error",
    message: "Too much",
    headers: {
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-representative-claim": "five_hour",
      "anthropic-ratelimit-unified-5h-status": "rejected",
      ...(reset !== null && {
        "anthropic-ratelimit-unified-reset": String(reset),
        "anthropic-ratelimit-unified-5h-reset": String(reset),
      }),
    },
  },
});

const TOKENS: Tokens = { input: 100, output: 20, cacheRead: 500, cacheCreation: 0 };

/**
 * A **stand-in** of the Anthropic Messages API on loopback: it streams what a script says, so that the real Claude Code
 * can be driven without a model. It says nothing about what a real model would do
 * (docs/facts/claude-code.md#limits-of-the-method).
 */
export class StandInApi {
  script: Script = () => ({ text: "nothing to say" });
  /**
   * The script for the trial of a ship before its first task (crew/hands/claude/trial.ts). It costs nothing, so that a
   * test's sums are those of its tasks.
   */
  trial: Script = () => ({ text: "ready", tokens: { input: 0, output: 0, cacheRead: 0, cacheCreation: 0 } });
  readonly trials: Conversation[] = [];
  /** Every conversation that came in except trials, the newest last. */
  readonly calls: Conversation[] = [];
  /** Whether connections are cut without an answer. */
  away = false;
  url = "";
  readonly #server = createServer((request, response) => void this.#serve(request, response).catch(() => response.destroy()));

  async start(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.away) return void request.socket.destroy();
    let text = "";
    for await (const chunk of request) text += chunk;
    if (request.method !== "POST" || !request.url?.startsWith("/v1/messages")) return send(response, 404, { type: "error" });
    if (request.url.includes("count_tokens")) return send(response, 200, { input_tokens: 100 });
    const talk = read(JSON.parse(text), request);
    const isTrial = /^A trial of this ship/m.test(talk.prompt);
    (isTrial ? this.trials : this.calls).push(talk);
    const turn = await (isTrial ? this.trial : this.script)(talk);
    if (turn.delayMs) await sleep(turn.delayMs);
    if (turn.fail) {
      const { status, type, message, headers } = turn.fail;
      return send(response, status, { type: "error", error: { type, message } }, headers);
    }
    stream(response, talk.model, turn);
  }
}

type Block = { type: string; text?: string; content?: unknown; is_error?: boolean };
type Body = {
  model: string;
  output_config?: { effort?: string };
  /** The `user_id` in it is JSON text. */
  metadata?: { user_id?: string };
  system?: string | Block[];
  tools?: { name: string }[];
  messages: { role: string; content: string | Block[] }[];
};

const textOf = (content: unknown): string =>
  typeof content === "string"
    ? content
    : Array.isArray(content)
      ? (content as Block[]).map((block) => block.text ?? "").join("\n")
      : "";

function read(body: Body, request: IncomingMessage): Conversation {
  const blocks = body.messages.flatMap((message) =>
    message.role === "user" && Array.isArray(message.content) ? message.content : [],
  );
  const prompt = body.messages
    .filter((message) => message.role === "user")
    .map((message) => textOf(message.content))
    .join("\n");
  return {
    model: body.model,
    effort: body.output_config?.effort,
    session: (JSON.parse(body.metadata?.user_id || "{}") as { session_id?: string }).session_id ?? "",
    credential: String(request.headers["x-api-key"] ?? request.headers.authorization ?? ""),
    system: textOf(body.system),
    prompt,
    task: /^# Task (\d+):/m.exec(prompt)?.[1] ?? "",
    results: blocks
      .filter((block) => block.type === "tool_result")
      .map((block) => ({ text: textOf(block.content), isError: block.is_error === true })),
    turns: body.messages.filter((message) => message.role === "assistant").length,
    tools: (body.tools ?? []).map((tool) => tool.name),
  };
}

let count = 0;

function stream(response: ServerResponse, model: string, turn: Turn): void {
  const id = `msg_stand_in_${++count}`;
  const tokens = turn.tokens ?? TOKENS;
  const usage = {
    input_tokens: tokens.input,
    cache_creation_input_tokens: tokens.cacheCreation,
    cache_read_input_tokens: tokens.cacheRead,
    output_tokens: tokens.output,
  };
  response.writeHead(200, { "content-type": "text/event-stream", "request-id": `req_${count}` });
  const event = (type: string, data: object) => response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  // The real API, too, tells only at the end of an answer how much output it came to.
  event("message_start", {
    message: {
      id,
      type: "message",
      role: "assistant",
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...usage, output_tokens: 1 },
    },
  });
  const tools = turn.tools ?? [];
  const blocks = [
    ...(turn.text || tools.length === 0
      ? [{ open: { type: "text", text: "" }, delta: { type: "text_delta", text: turn.text ?? "" } }]
      : []),
    ...tools.map(({ name, input }, index) => ({
      open: { type: "tool_use", id: `toolu_${count}_${index}`, name, input: {} },
      delta: { type: "input_json_delta", partial_json: JSON.stringify(input) },
    })),
  ];
  for (const [index, { open, delta }] of blocks.entries()) {
    event("content_block_start", { index, content_block: open });
    event("content_block_delta", { index, delta });
    event("content_block_stop", { index });
  }
  event("message_delta", {
    delta: { stop_reason: tools.length > 0 ? "tool_use" : "end_turn", stop_sequence: null },
    usage,
  });
  event("message_stop", {});
  response.end();
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
