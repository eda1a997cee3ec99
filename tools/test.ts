import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, show } from "./check.ts";
import { type Tier, tiers } from "./tiers.ts";

/**
 * `npm test`: the checks, then every tier within its budget; `npm test -- helm crew` runs only these tiers. The last line is
 * `N passed, N failed`, with `, N skipped` when there are any: each check counts as one, and so does a tier that is over its budget, that
 * ran no test, or that vitest could not run. Exit code 1 when anything failed.
 */
type Count = { passed: number; failed: number; skipped: number; problem?: string };

const root = join(import.meta.dirname, "..");
const GRACE_MS = 10_000;

async function main(names: string[]): Promise<boolean> {
  const unknown = names.filter((name) => !tiers.some((tier) => tier.name === name));
  if (unknown.length > 0)
    throw new Error(`no tier is called ${unknown.join(", ")}; there are ${tiers.map((tier) => tier.name).join(", ")}`);
  const total: Count = { passed: 0, failed: 0, skipped: 0 };
  const lines: string[] = [];

  if (names.length === 0) {
    const outcomes = await check();
    show(outcomes);
    total.passed += outcomes.filter((outcome) => !outcome.findings).length;
    total.failed += outcomes.filter((outcome) => outcome.findings).length;
  }
  for (const tier of tiers.filter((tier) => names.length === 0 || names.includes(tier.name))) {
    const started = Date.now();
    const count = await runTier(tier);
    const minutes = ((Date.now() - started) / 60_000).toFixed(1);
    lines.push(
      `${tier.name.padEnd(10)} ${counted(count)}, ${minutes} of ${tier.budgetMinutes} min${count.problem ? `  ${count.problem}` : ""}`,
    );
    total.passed += count.passed;
    total.failed += count.failed + (count.problem ? 1 : 0);
    total.skipped += count.skipped;
  }
  console.log(`\n${lines.join("\n")}\n`);
  console.log(counted(total));
  return total.failed === 0;
}

const counted = ({ passed, failed, skipped }: Count) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;

/** Runs one tier by vitest, in a process group of its own, so that a tier over its budget ends with all that it started. */
async function runTier(tier: Tier): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), "oc-test-"));
  const report = join(folder, "report.json");
  const args = ["run", "--project", tier.name, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const vitest = spawn(process.execPath, [join(root, "node_modules", "vitest", "vitest.mjs"), ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  });
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-vitest.pid!, signal);
    } catch {
      // the whole group has ended
    }
  };
  const interrupted = (signal: NodeJS.Signals) => {
    signalGroup(signal);
    setTimeout(() => signalGroup("SIGKILL"), GRACE_MS).unref();
  };
  process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
  let overBudget = false;
  const timers = [
    setTimeout(() => {
      overBudget = true;
      signalGroup("SIGTERM");
    }, tier.budgetMinutes * 60_000),
    setTimeout(() => signalGroup("SIGKILL"), tier.budgetMinutes * 60_000 + GRACE_MS),
  ];
  try {
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      vitest.once("error", reject);
      vitest.once("close", (...end) => resolve(end));
    });
    if (signal && !overBudget) throw new Error(`vitest was ended by ${signal}`);
    const count = readReport(report);
    if (overBudget) return { ...count, problem: `tier ${tier.name} is over its budget of ${tier.budgetMinutes} min` };
    if (count.passed + count.failed === 0) return { ...count, problem: `tier ${tier.name} ran no test` };
    if (code !== 0 && count.failed === 0) return { ...count, problem: `vitest failed with exit code ${code} outside of a test` };
    return count;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Counts of vitest's JSON report; zeros when it was ended before it wrote one. */
function readReport(file: string): Count {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0 };
  const report = JSON.parse(readFileSync(file, "utf8"));
  return { passed: report.numPassedTests, failed: report.numFailedTests, skipped: report.numPendingTests + report.numTodoTests };
}

if (import.meta.main) {
  try {
    process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
