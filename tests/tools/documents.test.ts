import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/** These tests check that what the documents tell a reader to type exists. */

const ROOT = join(import.meta.dirname, "../..");
const listed = (...patterns: string[]) =>
  execFileSync("git", ["ls-files", "-z", ...patterns], { cwd: ROOT, encoding: "utf8" })
    .split("\0")
    .filter(Boolean);
const textOf = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** The words that `pattern` finds in the documents and that are not in `known`, each with its file and line. */
function unknown(pattern: RegExp, known: ReadonlySet<string>): string[] {
  return listed("*.md").flatMap((file) =>
    textOf(file)
      .split("\n")
      .flatMap((text, index) =>
        [...text.matchAll(pattern)].filter(([, word]) => !known.has(word!)).map(([said]) => `${file}:${index + 1}  ${said}`),
      ),
  );
}

test("each `npm run` of a document is a script of package.json", () => {
  const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
  expect(unknown(/\bnpm run (?:-s )?(\w+)/g, new Set(Object.keys(scripts)))).toEqual([]);
});

test("each setting of a document is described in Pulumi.yaml", () => {
  const described = [...textOf("Pulumi.yaml").matchAll(/^ {2}ocaptain:(\w+):$/gm)].map(([, key]) => key!);
  expect(described.length).toBeGreaterThan(15);
  // In a resource's type, a module's name follows the namespace.
  expect(unknown(/\bocaptain:(?!index:)([a-z]\w*)/g, new Set(described))).toEqual([]);
});

test("each verb of `ocaptain` in a document is one of the command's", () => {
  const help = execFileSync(join(ROOT, "bin/ocaptain"), ["--help"], { encoding: "utf8", timeout: 20_000 });
  const verbs = [...help.matchAll(/^ {2}([a-z]+)(?= )/gm)].map(([, verb]) => verb!);
  expect(verbs).toEqual(expect.arrayContaining(["status", "logs", "doctor"]));
  // Sailing and sinking are Pulumi's; `ocaptain` knows these two words only to say so.
  expect(unknown(/(?:\bbin\/|`)ocaptain ([a-z]+)/g, new Set([...verbs, "sail", "sink"]))).toEqual([]);
});

test("each variable of a document is read somewhere", () => {
  const code = listed("*.ts", "*.mjs", "bin").map(textOf).join("\n");
  const read = new Set([...code.matchAll(/\bOCAPTAIN_\w+/g)].map(([name]) => name));
  expect(unknown(/\b(OCAPTAIN_[A-Z_]+)\b/g, read)).toEqual([]);
});
