import fc from "fast-check";
import { expect, test } from "vitest";
import { GLOB_RULES, globProblem } from "../../lib/plan/globs.ts";
import { effectiveTouches, isTouched, touchesOverlap } from "../../lib/plan/touches.ts";

const overlap = (a: string, b: string) => touchesOverlap([a], [b]);

test("a glob fits all rules or is refused by the first that it does not fit, of plain names or not", () => {
  const names = fc.constantFrom("a", "src", "x.ts", ".", "..", ".a", "**", "a**", "*", "", "!a", "A:", "~", "é", "a".repeat(80));
  fc.assert(
    fc.property(fc.array(names, { maxLength: 6 }), (parts) => {
      const glob = parts.join("/");
      expect(globProblem(glob)).toBe(GLOB_RULES.find(([pattern]) => !pattern.test(glob))?.[1] ?? null);
    }),
  );
});

test("two globs overlap where one path fits both", () => {
  for (const [a, b] of [
    ["src/a.ts", "src/a.ts"],
    ["src/*.ts", "src/a.*"],
    ["src/**", "src/deep/er/a.ts"],
    ["src", "src/deep/a.ts"],
    ["src/", "src/deep/*"],
    ["v1.2/", "v1.2/a"],
    [".github", ".github/workflows/ci.yml"],
    ["./src/a.ts", "src/?.ts"],
    ["**/index.ts", "lib/index.ts"],
    ["**/index.ts", "index.ts"],
    ["a*c", "*b*"],
    ["**", "app/[id]/page.tsx"],
    ["caf\u00e9", "cafe\u0301"],
  ] as const)
    expect(overlap(a, b), `${a} and ${b}`).toBe(true);
  for (const [a, b] of [
    ["src/a.ts", "src/b.ts"],
    ["src/*.ts", "src/deep/a.ts"],
    ["src/*.ts", "src/*.js"],
    ["a?", "a"],
    ["lib/**/x", "lib/y.ts"],
    ["src/**/*.test.ts", "src/a.ts"],
    ["src/auth", "src/authors"],
    ["app/[id]/page.tsx", "app/i/page.tsx"],
  ] as const)
    expect(overlap(a, b), `${a} and ${b}`).toBe(false);
  expect(touchesOverlap([], ["**"])).toBe(false);
  expect(touchesOverlap(["a", "b"], ["c", "b/d"])).toBe(true);
});

const part = fc.array(fc.constantFrom("a", "b", "*", "?"), { minLength: 1, maxLength: 2 }).map((some) => some.join(""));
const name = fc.oneof(
  part.filter((some) => some !== "**"),
  fc.constant("**"),
);
const globs = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
/** All paths of at most five names of one or two letters: two such globs with a path in common have one of these. */
const NAMES = ["a", "b", "aa", "ab", "ba", "bb"];
const PATHS = [1, 2, 3, 4].reduce(
  (paths) => [...new Set(paths.flatMap((path) => [path, ...NAMES.map((more) => `${path}/${more}`)]))],
  NAMES,
);

/** Tells by a regular expression whether a path fits a glob: another way than that of the program. */
function fits(glob: string): (path: string) => boolean {
  const names = glob.split("/");
  if (!/[*?]/.test(names.at(-1)!)) names.push("**");
  const one = (some: string) => `/${some.replaceAll("?", "[^/]").replaceAll("*", "[^/]*")}`;
  const pattern = new RegExp(`^${names.map((some) => (some === "**" ? "(/[^/]+)*" : one(some))).join("")}$`);
  return (path) => pattern.test(`/${path}`);
}

test("globs overlap exactly where some path among all fits both, and a path is touched where it fits", () => {
  fc.assert(
    fc.property(globs, globs, fc.constantFrom(...PATHS), (a, b, path) => {
      const [inA, inB] = [fits(a), fits(b)];
      expect(overlap(a, b)).toBe(PATHS.some((each) => inA(each) && inB(each)));
      expect(overlap(b, a)).toBe(overlap(a, b));
      expect(isTouched([a], path)).toBe(inA(path));
    }),
    { numRuns: 500 },
  );
});

test("a path is no glob: what stands in it stands for itself", () => {
  expect(isTouched(["src/a"], "src/*")).toBe(false);
  expect(isTouched(["src/?"], "src/*")).toBe(true);
});

test("globs that would take long in a search with returns are told apart at once", () => {
  const stars = "a*".repeat(140);
  expect(overlap(`${stars}b`, `${"*a".repeat(140)}c`)).toBe(false);
  expect(overlap(`${"**/a/".repeat(50)}b`, `${"a/**/".repeat(50)}c`)).toBe(true);
  expect(overlap(`${"**/a/".repeat(50)}b*`, `${"a/**/".repeat(50)}c*`)).toBe(false);
});

test("what is no path in the repository, or would be read otherwise than it was meant, is refused", () => {
  for (const glob of ["src", "src/", "./src/**/*.ts", "**", "a b/c,d", "[id]/~x", "...", ".github/*", "x".repeat(300)])
    expect(globProblem(glob), glob).toBeNull();
  for (const glob of [
    "",
    "/etc/passwd",
    "~/x",
    "C:/x",
    "../x",
    "a/../b",
    ".",
    "./",
    "a//b",
    "a\\b",
    "!a",
    "*.{ts,js}",
    "**.ts",
    "a\nb",
    "a\tb",
    "a\u202eb",
    "a\u200bb",
    "\u001b[2Ja",
    "x".repeat(301),
  ])
    expect(globProblem(glob), JSON.stringify(glob)).not.toBeNull();
});

test("what a task writes: its touches, else its files, else what its description names", () => {
  const description = [
    "Do it.",
    "Files: src/a.ts, `src/b.ts` (new), tests/*.test.ts.",
    "- **File:** Makefile",
    "files: none",
    "Files: the three of them, /etc/passwd, ../x",
    "The files: are many",
  ].join("\n");
  const named = ["src/a.ts", "src/b.ts", "tests/*.test.ts", "Makefile"];
  expect(effectiveTouches({ description, metadata: {} })).toEqual(named);
  expect(effectiveTouches({ description, metadata: { touches: [], files: [] } })).toEqual(named);
  expect(effectiveTouches({ description, metadata: { files: ["a", "a"] } })).toEqual(["a"]);
  expect(effectiveTouches({ description, metadata: { touches: ["b/**"], files: ["a"] } })).toEqual(["b/**"]);
  expect(effectiveTouches({ description: "Do it.", metadata: {} })).toEqual([]);
  expect(effectiveTouches({ description: "", metadata: { touches: "src", files: [1, "/x"] } })).toEqual([]);
});
