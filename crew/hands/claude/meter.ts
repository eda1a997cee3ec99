import { readFileSync } from "node:fs";
import type { Usage } from "../../../lib/ship-api.ts";
import type { Ship } from "../../ship.ts";
import { transcriptOf } from "./transcript.ts";

type Line = {
  type: string;
  message?: {
    id?: string;
    usage?: {
      input_tokens?: number;
      output_tokens?: number;
      cache_read_input_tokens?: number;
      cache_creation_input_tokens?: number;
    };
  };
};

/**
 * What a session with its own screen has used: tokens by its transcript, the cost by its status line, since nothing else tells that while it goes on.
 * The session goes from task to task: a task's part is the difference.
 */
export class Meter {
  readonly #ship: Ship;
  readonly #session: () => string;
  /** Of this start of Claude Code and all before it. */
  costUsd = 0;
  #begun: Usage = NOTHING_USED;
  #begunAt = 0;

  constructor(ship: Ship, session: () => string) {
    this.#ship = ship;
    this.#session = session;
  }

  begin(): void {
    this.#begun = this.#total();
    this.#begunAt = performance.now();
  }

  /** Since {@link begin}. */
  used(): Usage {
    const total = this.#total();
    const since = Object.entries(total).map(([key, value]) => [key, Math.max(0, value - this.#begun[key as keyof Usage])]);
    return { ...Object.fromEntries(since), seconds: (performance.now() - this.#begunAt) / 1000 } as Usage;
  }

  #total(): Usage {
    const file = transcriptOf(this.#ship, this.#session());
    const messages = new Map<string, NonNullable<NonNullable<Line["message"]>["usage"]>>();
    for (const text of file ? readFileSync(file, "utf8").split("\n") : []) {
      if (!text.includes('"assistant"')) continue;
      const line = parse(text);
      // Each block is a line of its own and repeats the usage (facts: claude-code §5).
      if (line?.type === "assistant" && line.message?.id && line.message.usage) messages.set(line.message.id, line.message.usage);
    }
    const total = { ...NOTHING_USED, costUsd: this.costUsd, turns: messages.size };
    for (const usage of messages.values()) {
      total.inputTokens += usage.input_tokens ?? 0;
      total.outputTokens += usage.output_tokens ?? 0;
      total.cacheReadTokens += usage.cache_read_input_tokens ?? 0;
      total.cacheCreationTokens += usage.cache_creation_input_tokens ?? 0;
    }
    return total;
  }
}

export const NOTHING_USED: Usage = {
  costUsd: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheCreationTokens: 0,
  turns: 0,
  seconds: 0,
};

function parse(text: string): Line | null {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null; // being written
  }
}
