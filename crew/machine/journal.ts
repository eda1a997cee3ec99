import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** What the supervisor does, twice: a line for the person who looks into the tmux session, a JSON line in `supervisor.jsonl` for programs. */
export class Journal {
  readonly #file: string;

  constructor(logs: string) {
    mkdirSync(logs, { recursive: true });
    this.#file = join(logs, "supervisor.jsonl");
  }

  /** `event` is a word or two, stable; `text` is for people; `facts` must hold no secret. Never throws: a full disk must not hide the cause. */
  note(event: string, text: string, facts: Record<string, unknown> = {}): void {
    const at = new Date().toISOString();
    process.stdout.write(`${at.slice(11, 19)}  ${text}\n`);
    try {
      appendFileSync(this.#file, `${JSON.stringify({ at, event, text, ...facts })}\n`);
    } catch {}
  }
}
