import type { StreamEvent } from "./session.ts";

/**
 * Tells Claude Code's stream in lines for people: what the agent says, which tools it uses, how each came out. The
 * transcript has the rest.
 */
export class Narrator {
  readonly #tools = new Map<string, { name: string; atMs: number }>();

  /**
   * Returns the lines for one event, each with its newline; "" when it says nothing to people. `atMs` is its time, by
   * one clock for all events.
   */
  tell(event: StreamEvent, atMs = performance.now()): string {
    if (event.type === "system" && event.subtype === "api_retry")
      return `  ! the API failed (${event.error_status ?? "no answer"}, ${event.error}); trying again, ${event.attempt} of ${event.max_retries}\n`;
    if (event.type !== "assistant" && event.type !== "user") return "";
    const content = event.message?.content;
    if (!Array.isArray(content)) return "";
    return content.map((block) => this.#block(block, atMs)).join("");
  }

  #block(block: NonNullable<StreamEvent["message"]>["content"][number], atMs: number): string {
    if (block.type === "text" && block.text?.trim()) return `${indented(block.text.trim())}\n`;
    if (block.type === "tool_use") {
      this.#tools.set(block.id!, { name: block.name!, atMs });
      return `  > ${block.name} ${said(block.input ?? {})}\n`;
    }
    if (block.type === "tool_result") {
      const tool = this.#tools.get(block.tool_use_id!);
      this.#tools.delete(block.tool_use_id!);
      const seconds = tool ? ((atMs - tool.atMs) / 1000).toFixed(1) : "?";
      const text = textOf(block.content);
      return block.is_error
        ? `  x ${tool?.name ?? "tool"} ${seconds} s: ${clipped(text, 400)}\n`
        : `  . ${tool?.name ?? "tool"} ${seconds} s: ${clipped(text, 120)}\n`;
    }
    return "";
  }
}

const indented = (text: string) => text.replace(/^/gm, "  ");
const oneLine = (text: string) => text.replace(/\s+/g, " ").trim();
const clipped = (text: string, most: number) =>
  oneLine(text).length > most ? `${oneLine(text).slice(0, most)}…` : oneLine(text);

/** Shortens a tool's input to the field that says most, or else to all of it in words. */
function said(input: Record<string, unknown>): string {
  const main = input.command ?? input.file_path ?? input.pattern ?? input.url ?? input.description;
  return clipped(typeof main === "string" ? main : inWords(input), 160);
}

/** Writes a value in words: `taskId 7, status completed, summary …`. */
function inWords(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return value.map(inWords).join(" ");
  const said = ([key, inner]: [string, unknown]) =>
    typeof inner === "object" && !Array.isArray(inner) ? inWords(inner) : `${key} ${inWords(inner)}`;
  return Object.entries(value).map(said).join(", ");
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.map((block: { text?: string }) => block.text ?? "").join(" ") : "";
}
