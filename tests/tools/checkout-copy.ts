import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes a checkout at `at` that has this one's tools, for a test of set-up. `parts` is the text of the module that says
 * which parts that set-up has (tools/setup/parts.mjs).
 */
export function checkoutCopy(at: string, parts: string): void {
  const root = join(import.meta.dirname, "..", "..");
  cpSync(join(root, "tools"), join(at, "tools"), { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(at, "tools/setup/parts.mjs"), parts);
}
