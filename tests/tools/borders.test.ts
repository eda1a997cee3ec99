import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");

type Cruised = {
  modules: { source: string; dependencies: { resolved: string }[] }[];
  summary: { violations: { from: string; rule: { name: string } }[] };
};

/** Runs dependency-cruiser on a folder, with the project's rules. */
function cruise(cwd: string): Cruised {
  const args = [
    join(root, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs"),
    "--config",
    join(root, ".dependency-cruiser.mjs"),
  ];
  const options = { cwd, encoding: "utf8", maxBuffer: 1e8 } as const;
  return JSON.parse(execFileSync(process.execPath, [...args, "--output-type", "json", "."], options));
}

const KIND = "dynamic-providers/sprite";
/** A small tree of files that the borders allow. */
const ALLOWED = {
  "tsconfig.json": "{}",
  "package.json": `{"type": "module"}`,
  "lib/base/errors.ts": "export const a = 1; export type A = number;",
  "lib/this.ts": `import type { That } from "./that.ts"; export type This = That;`,
  "tools/check.ts": "export const c = 1;",
  "helm/main.ts": "export const h = 1;",
  "lib/watch/page-api.ts": "export const p = 1;",
  "web/ok.tsx": `import { p } from "../lib/watch/page-api.ts"; import type { A } from "../lib/base/errors.ts"; export const w: A = p;`,
  "helm/ok.ts": `import { a } from "../lib/base/errors.ts"; export const b = a;`,
  "helm/ledger/ok.ts": `import { DatabaseSync } from "node:sqlite"; export const d = DatabaseSync;`,
  "crew/claim/ok.ts": "export const c = 1;",
  "crew/ok.ts": `import type { A } from "../lib/base/errors.ts"; export const b: A = 1;`,
  "dynamic-providers/shared/ok.ts": "export const k = 1; export type K = number;",
  [`${KIND}/lifecycle.ts`]: `import { k } from "../shared/ok.ts"; export const s = k;`,
  "dynamic-providers/helm/resource.ts": `import type { K } from "../shared/ok.ts"; export const l: K = 1;`,
};
/** What the tree must not hold besides: a file, its text, and the rule that it breaks. */
const FORBIDDEN = [
  ["lib/x.ts", `export { h } from "../helm/main.ts";`, "lib → nothing else"],
  ["harbor/x.ts", `export { h } from "../helm/main.ts";`, "harbor → lib"],
  ["web/x.tsx", `export { h } from "../helm/main.ts";`, "web → lib"],
  [
    "web/y.tsx",
    `export { a } from "../lib/base/errors.ts";`,
    "the page takes of lib types, and what is between it and the helm: it runs in a browser",
  ],
  ["cli/x.ts", `export { h } from "../helm/main.ts";`, "cli → lib, tools"],
  ["cli/y.ts", `export { c } from "../tools/check.ts";`, "cli takes of tools no more than the environment and set-up"],
  ["components/x.ts", `export { h } from "../helm/main.ts";`, "components → lib, dynamic-providers"],
  [
    "crew/x.ts",
    `export { a } from "../lib/base/errors.ts";`,
    "crew takes only types from lib: a ship has neither lib nor node_modules",
  ],
  ["crew/machine/x.ts", `export { c } from "../claim/ok.ts";`, "crew/machine → no other room of the crew"],
  [
    "helm/voyage/x.ts",
    `import { DatabaseSync } from "node:sqlite"; export const d = DatabaseSync;`,
    "SQLite only in the helm's ledger, in locks, and where a ledger is read that no helm has open",
  ],
  ["lib/y.ts", `export { z } from "./nowhere.ts";`, "no import of what is not there"],
  [
    "dynamic-providers/helm/x.ts",
    `export { s } from "../sprite/lifecycle.ts";`,
    "a resource kind imports no other: what two kinds need is in dynamic-providers/shared/",
  ],
  [
    "dynamic-providers/shared/x.ts",
    `export { s } from "../sprite/lifecycle.ts";`,
    "dynamic-providers/shared/ and process/ know no resource kind",
  ],
  [
    `${KIND}/resource.ts`,
    `export { s } from "./lifecycle.ts";`,
    "a resource class loads no more than its delegate: the program does none of a lifecycle's work",
  ],
  // The other half of this circle is above; a circle is reported once.
  ["lib/that.ts", `import type { This } from "./this.ts"; export type That = This | 1;`, "no circle, types included"],
] as const;

let folder: string;
let violations: Cruised["summary"]["violations"];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-b-"));
  for (const [file, text] of [...Object.entries(ALLOWED), ...FORBIDDEN]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  violations = cruise(folder).summary.violations;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(FORBIDDEN)("%s may not hold: %s", (file, _text, rule) => {
  expect(violations.filter(({ from }) => from === file).map((one) => one.rule.name)).toContain(rule);
});

test("what the rooms may do is let pass: lib for all, types for the crew", () => {
  expect(violations.filter(({ from }) => from in ALLOWED)).toEqual([]);
});

/**
 * The room that a file of `lib/` is used from: a folder of the project, or `lib/preflight`, which is a program's first
 * part. The rest of `lib/` is no user, and neither is what only tests or packs the product.
 */
const userOf = (file: string) =>
  file.startsWith("lib/preflight/") ? "lib/preflight" : /^(lib|tests|tools)\//.test(file) ? null : file.split("/", 1)[0];

test("each file of lib/ is used by two rooms, by itself or through others of lib/, or else it belongs into the one", () => {
  const importers = new Map<string, string[]>();
  const { modules } = cruise(root);
  for (const { source, dependencies } of modules)
    for (const { resolved } of dependencies) importers.set(resolved, [...(importers.get(resolved) ?? []), source]);
  const usersOf = (file: string, seen = new Set<string>()): string[] =>
    (importers.get(file) ?? []).flatMap((importer) => {
      if (seen.has(importer)) return [];
      seen.add(importer);
      return userOf(importer) ?? usersOf(importer, seen);
    });
  const files = modules.map(({ source }) => source).filter((file) => /^lib\/(?!preflight\/)/.test(file));
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => new Set(usersOf(file)).size < 2)).toEqual([]);
  const ofPreflight = [...importers].filter(([file]) => file.startsWith("lib/preflight/")).flatMap(([, users]) => users);
  expect(new Set(ofPreflight.filter((user) => !/^(lib|tests)\//.test(user)).map(userOf)).size).toBeGreaterThan(1);
});
