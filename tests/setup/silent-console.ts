import { afterEach, beforeEach, expect } from "vitest";

/**
 * A test that prints to the console fails: what it prints is noise at best, and a log line that nobody asserts at
 * worst. A test about printing replaces the method itself, with `vi.spyOn(console, "log").mockImplementation(…)`.
 */
const methods = ["log", "info", "warn", "error", "debug"] as const;
const original = Object.fromEntries(methods.map((method) => [method, console[method]]));
/** The last word of each destroy, which tests that destroy something are not about; tests/stack/sail.test.ts is. */
const LAST_WORD = /^console\.error: voyage [\w-]+ has sunk, and its work is kept: /;
let printed: string[] = [];

beforeEach(() => {
  printed = [];
  for (const method of methods)
    console[method] = (...args: unknown[]) => void printed.push(`console.${method}: ${args.map(String).join(" ")}`);
});

afterEach(() => {
  Object.assign(console, original);
  expect(
    printed.filter((line) => !LAST_WORD.test(line)),
    "a test must not print to the console",
  ).toEqual([]);
});
