import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

test.each([
  ["docs/security.md", 30],
  ["docs/troubleshooting.md", 15],
])("each test that %s names is there: its file, and in that the words of its title", (name, least) => {
  const page = readFileSync(join(ROOT, name), "utf8");
  // Each match is a file and the titles that follow it, up to the next file.
  const named = [...page.matchAll(/`(tests\/[^`]+)`([^`\n]*)/g)].map(([, file, rest]) => ({
    file: file!,
    titles: [...rest!.matchAll(/“([^”]+)”/g)].map(([, title]) => title!),
  }));
  expect(named.flatMap(({ titles }) => titles).length).toBeGreaterThan(least);
  const missing = named.flatMap(({ file, titles }) => {
    if (!existsSync(join(ROOT, file))) return [file];
    const text = readFileSync(join(ROOT, file), "utf8");
    return titles.filter((title) => !text.includes(title)).map((title) => `${file}: ${title}`);
  });
  expect(missing).toEqual([]);
});
