import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-b-"));
  write("tsconfig.json", "{}");
  write("package.json", `{"type": "module"}`);
  write("lib/base/errors.ts", "export const a = 1; export type A = number;");
  write("helm/main.ts", "export const h = 1;");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

/** Names of the rules that the tree breaks. */
function broken(): string[] {
  const args = [
    join(root, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs"),
    "--config",
    join(root, ".dependency-cruiser.mjs"),
  ];
  const json = execFileSync(process.execPath, [...args, "--output-type", "json", "."], { cwd: folder, encoding: "utf8" });
  return JSON.parse(json).summary.violations.map((violation: { rule: { name: string } }) => violation.rule.name);
}

test.each([
  ["lib/x.ts", `export { h } from "../helm/main.ts";`, "lib → nothing else"],
  ["harbor/x.ts", `export { h } from "../helm/main.ts";`, "harbor → lib"],
  ["cli/x.ts", `export { h } from "../helm/main.ts";`, "cli → lib"],
  ["components/x.ts", `export { h } from "../helm/main.ts";`, "components → lib, dynamic-providers"],
  [
    "crew/x.ts",
    `export { a } from "../lib/base/errors.ts";`,
    "crew takes only types from lib: a ship has neither lib nor node_modules",
  ],
  [
    "helm/voyage/x.ts",
    `import { DatabaseSync } from "node:sqlite"; export const d = DatabaseSync;`,
    "SQLite only in the helm's ledger, in locks, and where a plan is compared with a ledger that no helm has open",
  ],
  ["lib/y.ts", `export { z } from "./nowhere.ts";`, "no import of what is not there"],
])("%s may not hold: %s", (file, text, rule) => {
  write(file, text);
  expect(broken()).toContain(rule);
});

test("what the rooms may do is let pass: lib for all, types for the crew", () => {
  write("helm/ok.ts", `import { a } from "../lib/base/errors.ts"; export const b = a;`);
  write("helm/ledger/ok.ts", `import { DatabaseSync } from "node:sqlite"; export const d = DatabaseSync;`);
  write("crew/ok.ts", `import type { A } from "../lib/base/errors.ts"; export const b: A = 1;`);
  expect(broken()).toEqual([]);
});
