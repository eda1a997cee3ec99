import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runTier } from "../../tools/run-tier.ts";

const tier = (budgetMinutes: number) => ({ name: "example", budgetMinutes, testTimeoutSeconds: 1, filesAtOnce: 1 });
const counts = { numPassedTests: 2, numFailedTests: 0, numPendingTests: 1, numTodoTests: 0 };
/** A stand-in for vitest: writes a report, then does the rest. */
const standIn = (report: object, rest: string) => (_tier: unknown, file: string) => [
  "-e",
  `require("fs").writeFileSync(${JSON.stringify(file)}, ${JSON.stringify(JSON.stringify(report))}); ${rest}`,
];

test("counts what passed, failed and was skipped", async () => {
  expect(await runTier(tier(1), standIn(counts, ""))).toEqual({ passed: 2, failed: 0, skipped: 1, failures: [] });
});

test("tells which tests failed, and which files before their first test, in their own words", async () => {
  const file = (name: string) => fileURLToPath(new URL(`../helm/${name}.test.ts`, import.meta.url));
  const said = ["\u001b[31mexpected 1 to be 2\u001b[39m\n    at file.test.ts:7\n    at node_modules/vitest/x.js:1:1"];
  const failing = { status: "failed", fullName: "adds up", failureMessages: said };
  const passing = { status: "passed", fullName: "holds", failureMessages: [] };
  const testResults = [
    { name: file("one"), message: "", assertionResults: [failing, passing] },
    { name: file("two"), message: "cannot be loaded", assertionResults: [] },
  ];
  const count = await runTier(tier(1), standIn({ ...counts, numFailedTests: 1, testResults }, "process.exit(1)"));
  expect(count.failures).toEqual([
    { file: "tests/helm/one.test.ts", title: "adds up", message: "expected 1 to be 2\n    at file.test.ts:7" },
    { file: "tests/helm/two.test.ts", title: "", message: "cannot be loaded" },
  ]);
});

test("a tier over its budget is ended, with what it started, and named", async () => {
  const hang = `require("child_process").spawn("sleep", ["61"], { stdio: "inherit" }); setInterval(() => {}, 1000)`;
  const count = await runTier(tier(0.01), standIn({}, hang)); // resolves only once sleep has let go of the output
  expect(count.problem).toBe("tier example is over its budget of 0.01 min");
});

test("a tier that ran no test has a problem", async () => {
  const none = { ...counts, numPassedTests: 0 };
  expect((await runTier(tier(1), standIn(none, ""))).problem).toBe("tier example ran no test");
});

test("an error outside of a test is a problem, though all tests passed", async () => {
  expect((await runTier(tier(1), standIn(counts, "process.exit(3)"))).problem).toMatch("exit code 3");
});
