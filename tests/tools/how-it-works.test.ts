import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const page = readFileSync(join(ROOT, "docs/how-it-works.md"), "utf8");

/**
 * The steps of the page: a file in code quotes, and the names in code quotes directly after it, which are functions in
 * that file.
 */
const steps = [...page.matchAll(/`([\w./-]+\.(?:ts|mjs))`((?:(?: or)? `\w+`)*)/g)].map(([, file, names]) => ({
  file: file!,
  names: [...names!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
}));

test("each file and function that docs/how-it-works.md names is there, the function in its file", () => {
  expect(steps.length).toBeGreaterThan(40);
  expect(steps.flatMap(({ names }) => names).length).toBeGreaterThan(50);
  const wrong = steps.flatMap(({ file, names }) => {
    if (!existsSync(join(ROOT, file))) return [file];
    const text = readFileSync(join(ROOT, file), "utf8");
    return names.filter((name) => !declares(text, name)).map((name) => `${file}: ${name}`);
  });
  expect(wrong).toEqual([]);
});

test.each([
  ["export async function sail(", true],
  ["const sail = ", true],
  ["export class sail {", true],
  ["  async sail(order: Order) {", true],
  ["  async #sail(order: Order) {", true],
  ["  sail: async (order) =>", true],
  ["  await ship.sail(order);", false],
  ['import { sail } from "./sail.ts";', false],
  ["  sail(order);", false],
])("%s declares the name: %s", (line, isDeclared) => {
  expect(declares(line, "sail")).toBe(isDeclared);
});

/**
 * Whether a text declares a name, as a function, class or constant, as a method, also a private one, or as a property
 * that holds a function.
 */
function declares(text: string, name: string): boolean {
  const words = [
    `^ *(?:export )?(?:default )?(?:async )?(?:function\\*?|class) ${name}\\b`,
    `^(?:export )?const ${name}\\b`,
    `^ +(?:static )?(?:async )?#?${name}(?:<[^(]*>)?\\(.*\\{$`,
    `^ +(?:static )?(?:async )?#?${name}(?:<[^(]*>)?\\($`,
    `^ +${name}: (?:async )?(?:\\(|function)`,
  ];
  return new RegExp(words.join("|"), "m").test(text);
}
