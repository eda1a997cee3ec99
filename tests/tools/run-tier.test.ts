import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { runTier, runTierSteadily } from "../../tools/run-tier.ts";
import { isRunning } from "../support/processes.ts";

const tier = (budgetMinutes: number) => ({ name: "example", budgetMinutes, testTimeoutSeconds: 1, filesAtOnce: 1 as const });
const counts = { numPassedTests: 2, numFailedTests: 0, numPendingTests: 1, numTodoTests: 0 };
/** A stand-in for vitest, which writes a report and then does the rest. */
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
  // This resolves only when sleep, too, has closed the output that it shares.
  const count = await runTier(tier(0.01), standIn({}, hang));
  expect(count.problem).toBe("tier example is over its budget of 0.01 min");
});

test.for([
  { title: "over its budget", budget: 0.01, rest: "setInterval(() => {}, 1000)" },
  { title: "within its budget", budget: 1, rest: "" },
])(
  "daemons that a tier leaves behind are ended with it, known by their home, and no others: $title",
  async ({ budget, rest }) => {
    const folder = mkdtempSync(join(tmpdir(), "oc-"));
    const pids = join(folder, "pids");
    // Each daemon is a session of its own, as a helm is; the home of the second is not the tier's.
    const daemon = (home: string) => `{ detached: true, stdio: "ignore", env: { OCAPTAIN_HOME: ${home} } }`;
    const homes = ['require("path").join(process.env.TMPDIR, "oc-1", "h")', JSON.stringify(folder)];
    const started = homes.map(
      (home) => `require("child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"], ${daemon(home)})`,
    );
    const note = `const both = [${started}]; for (const one of both) one.unref(); require("fs").writeFileSync(${JSON.stringify(pids)}, both.map((one) => one.pid).join(" "));`;
    await runTier(tier(budget), standIn(counts, `${note} ${rest}`));
    const [mine = 0, other = 0] = readFileSync(pids, "utf8").split(" ").map(Number);
    expect(isRunning(mine)).toBe(false);
    expect(isRunning(other)).toBe(true);
    process.kill(other, "SIGKILL");
    rmSync(folder, { recursive: true });
  },
);

test("a tier that ran no test has a problem", async () => {
  const none = { ...counts, numPassedTests: 0 };
  expect((await runTier(tier(1), standIn(none, ""))).problem).toBe("tier example ran no test");
});

test("an error outside of a test is a problem, though all tests passed", async () => {
  expect((await runTier(tier(1), standIn(counts, "process.exit(3)"))).problem).toMatch("exit code 3");
});

/** Stand-ins for vitest's runs: the first of the whole tier, and one of the files that it is then asked for. */
function twoRuns(titles: string[], again: string[]) {
  const asked: (readonly string[])[] = [];
  const file = fileURLToPath(new URL("../helm/one.test.ts", import.meta.url));
  const report = (failed: string[]) => ({
    ...{ ...counts, numFailedTests: failed.length },
    testResults: [
      { name: file, assertionResults: failed.map((fullName) => ({ status: "failed", fullName, failureMessages: [fullName] })) },
    ],
  });
  const argsOf = (_tier: unknown, to: string, files: readonly string[]) => {
    asked.push(files);
    return standIn(report(asked.length === 1 ? titles : again), "process.exit(1)")(_tier, to);
  };
  vi.spyOn(console, "log").mockImplementation(() => {});
  return { asked, argsOf };
}
const failure = (title: string) => ({ file: "tests/helm/one.test.ts", title, message: title });

test("a test that fails, and passes when its file is run again, is told as unsteady; one that fails again has failed", async () => {
  const { asked, argsOf } = twoRuns(["a", "b"], ["b"]);
  const expected = { passed: 3, failed: 1, skipped: 1, failures: [failure("b")], unsteady: [failure("a")] };
  expect(await runTierSteadily(tier(1), argsOf)).toEqual(expected);
  expect(asked).toEqual([[], ["tests/helm/one.test.ts"]]);
});

test("more failures than may be chance are not run again, nor is a file that cannot be loaded", async () => {
  for (const titles of [
    ["a", "b", "c"],
    ["a", ""],
  ]) {
    const { asked, argsOf } = twoRuns(titles, []);
    expect((await runTierSteadily(tier(1), argsOf)).failures).toHaveLength(titles.length);
    expect(asked).toHaveLength(1);
  }
});

test("a file that cannot be loaded when it is run again has not passed", async () => {
  const { argsOf } = twoRuns(["a"], [""]);
  expect((await runTierSteadily(tier(1), argsOf)).failures).toEqual([failure("a")]);
});
