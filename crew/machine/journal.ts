import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Tells twice what the supervisor does: by a line for the person who looks into the tmux session, and by a JSON line in
 * `supervisor.jsonl` for programs.
 */
export class Journal {
  readonly #file: string;

  constructor(logs: string) {
    mkdirSync(logs, { recursive: true });
    this.#file = join(logs, "supervisor.jsonl");
  }

  /**
   * Notes one event. Never throws: a full disk must not hide the cause.
   *
   * @param event a word or two that stay the same from version to version
   * @param text a line for people
   * @param facts more for programs; no secret may be in it
   */
  note(event: string, text: string, facts: Record<string, unknown> = {}): void {
    const at = new Date().toISOString();
    process.stdout.write(`${at.slice(11, 19)}  ${text}\n`);
    try {
      appendFileSync(this.#file, `${JSON.stringify({ at, event, text, ...facts })}\n`);
    } catch {}
  }
}
