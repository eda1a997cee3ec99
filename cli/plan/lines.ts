import { type Node, parseTree } from "jsonc-parser";
import type { PlanFinding } from "../../lib/plan/findings.ts";

/**
 * Finds the line that a finding of a plan's file is about, counted from 1. A key that is missing is looked for where it
 * would be: in the object that lacks it. Returns null where no line of the text is meant.
 */
export function lineOf({ file, field, message }: Pick<PlanFinding, "file" | "field" | "message">, text: string): number | null {
  // A file that cannot be parsed, and a script that bash cannot read, tell it themselves.
  const told = field === "" ? /^(?:bash cannot read it: )?line (\d+)\b/.exec(message)?.[1] : undefined;
  if (told !== undefined) return Number(told);
  if (!file.endsWith(".json"))
    return field === "" && message.includes("carriage return") ? lineAt(text, text.indexOf("\r")) : null;
  const root = field === "" ? undefined : parseTree(text);
  return root ? lineAt(text, placeOf(root, field)) : null;
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;

/**
 * Finds the offset of the innermost part of a JSON text that a field such as `metadata.claude.model` or `blocks[1]`
 * names.
 */
function placeOf(node: Node, field: string): number {
  if (field === "") return node.parent?.type === "property" ? node.parent.offset : node.offset;
  if (node.type === "array") {
    const [whole = "", index = ""] = /^\[(\d+)\]\.?/.exec(field) ?? [];
    const entry = whole === "" ? undefined : node.children?.[Number(index)];
    return entry ? placeOf(entry, field.slice(whole.length)) : node.offset;
  }
  // A key may hold a dot itself. Of a key that stands twice the last one counts, as it does for JSON.
  const found = node.children?.findLast(({ children: [key] = [] }) => isFirstOf(String(key?.value), field));
  const [key, value] = found?.children ?? [];
  if (!found || !key) return node.parent?.type === "property" ? node.parent.offset : node.offset;
  const rest = field.slice(String(key.value).length).replace(/^\./, "");
  return rest === "" || !value ? found.offset : placeOf(value, rest);
}

/** Whether a field begins with this key, and not only with its letters. */
const isFirstOf = (key: string, field: string) => field.startsWith(key) && /^(\.|\[|$)/.test(field.slice(key.length));
