// What the plan of this folder is for: a ship's log, and a program that reads it. `node plans/example.mjs first FOLDER`.
export const files = {
  "package.json": `{ "name": "log-book", "private": true, "type": "module", "scripts": { "test": "node --test" } }\n`,
  "README.md": `# Log book

The log is in log.txt: a day a line, with its miles and what happened.
`,
  "log.txt": `2026-06-01 12 Left the harbour
2026-06-02 31 Wind from the west
2026-06-03 14 Fog until noon
`,
  "src/days.mjs": `/** Reads a log: a day a line, as its date, its miles and what happened. */
export function days(log) {
  return log
    .split("\\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [date, miles, ...words] = line.trim().split(/\\s+/);
      return { date, miles: Number(miles), words: words.join(" ") };
    });
}
`,
  "test/days.test.mjs": `import assert from "node:assert";
import { test } from "node:test";
import { days } from "../src/days.mjs";

test("a line is a day", () => {
  assert.deepEqual(days("2026-06-01 12 Left the harbour\\n\\n"), [{ date: "2026-06-01", miles: 12, words: "Left the harbour" }]);
});
`,
};
