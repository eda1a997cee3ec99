import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/**
 * The files that may hold SQL: the ledger, locks, and the one that compares a plan with a ledger that no helm has open.
 */
const MAY = /^(helm\/ledger\/|lib\/base\/os-lock\.ts$|lib\/plan\/read-ledger\.ts$)/;
/**
 * The files that may hold SQL of DuckDB, which sees copies of a ledger's rows and never the ledger: the process that
 * answers questions, the ready questions, and examples of them in help.
 */
const OF_COPIES = /^cli\/(reader\/|telemetry\/reports\.ts$|words\/telemetry-asking\.ts$)/;
/** The rooms that the rule is for; tests may look into ledgers as they like. */
const RUN = ["lib", "dynamic-providers", "components", "tailnet-policy", "helm", "harbor", "crew", "cli"];
const SQL = [
  /\b(SELECT|INSERT( OR \w+)? INTO|DELETE FROM|CREATE (TABLE|INDEX)|PRAGMA|BEGIN IMMEDIATE)\b/,
  /\bUPDATE \w+ SET\b/,
  /\.prepare\(/,
  /\bledger\.store\b/,
];

test("SQL on a ledger stands in helm/ledger/ and nowhere else", () => {
  const files = execFileSync("git", ["ls-files", "-z", ...RUN], { cwd: ROOT, encoding: "utf8" }).split("\0");
  const wrong = files
    .filter((file) => file.endsWith(".ts") && !MAY.test(file) && !OF_COPIES.test(file))
    .flatMap((file) =>
      readFileSync(join(ROOT, file), "utf8")
        .split("\n")
        .flatMap((text, index) => (SQL.some((words) => words.test(text)) ? [`${file}:${index + 1}  ${text.trim()}`] : [])),
    );
  expect(wrong).toEqual([]);
});
