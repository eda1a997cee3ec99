import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const COLUMNS = 120;
/** A line that is a comment, in a program or a script, or code with a comment behind it. */
const COMMENT = /^\s*(\*|\/\/|\/\*|# )|[;,{})] \/\/ [^"'`]*$/;
/** The plan's programs are copied into its task files, whose text is part of the plan. */
const EXCEPT = /^plans\//;

test("a comment's line has at most 120 columns", () => {
  const scripts = ["bin", ".ci", "*.sh", "harbor/ship-root/bin", "lib/tailnet/node/ssh-bin"];
  const files = execFileSync("git", ["ls-files", "*.ts", "*.tsx", "*.mjs", "*.cjs", ...scripts], { cwd: ROOT, encoding: "utf8" })
    .trim()
    .split("\n");
  const long = files
    .filter((file) => !EXCEPT.test(file))
    .flatMap((file) =>
      readFileSync(join(ROOT, file), "utf8")
        .split("\n")
        .map((line, index) => ({ at: `${file}:${index + 1}`, line }))
        .filter(({ line }) => [...line].length > COLUMNS && COMMENT.test(line))
        .map(({ at }) => at),
    );
  expect(long).toEqual([]);
});
