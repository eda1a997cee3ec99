import { MAX_STACK_NAME } from "../../lib/base/naming.ts";

/** A name's letters and digits, in as many characters as a stack's name has left. */
export function slug(name: string): string {
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return words.slice(0, MAX_STACK_NAME - "voyage-".length - 4).replace(/-$/, "") || "plan";
}
