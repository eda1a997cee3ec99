import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

test("each row of docs/prior-art.md names a test that exists", () => {
  const rows = readFileSync(join(ROOT, "docs/prior-art.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| there"));
  expect(rows.length).toBeGreaterThan(20);
  const missing: string[] = [];
  for (const row of rows) {
    const [, there = "", , shown = ""] = row.split("|").map((cell) => cell.trim());
    const [, file, title] = /^`(tests\/[\w/.-]+\.test\.ts)`: "(.+)"$/.exec(shown) ?? [];
    if (!file || !title) {
      missing.push(`no test: ${there}`);
      continue;
    }
    const text = readFileSync(join(ROOT, file), "utf8");
    if (!['"', "`"].some((quote) => text.includes(`${quote}${title.replaceAll("`", quote === "`" ? "\\`" : "`")}${quote}`)))
      missing.push(`${file} has no test "${title}"`);
  }
  expect(missing).toEqual([]);
});
