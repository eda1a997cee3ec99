import { check, show } from "./check.ts";
import { type Count, type Failure, runTier } from "./run-tier.ts";
import { setup } from "./setup.mjs";
import { type Tier, tiers } from "./tiers.ts";

const MESSAGE_LINES = 30;

/**
 * `npm test`: the checks, then every tier within its budget; `npm test -- helm crew` runs only these tiers. What failed is told again at the end; the last line is
 * `N passed, N failed`, with `, N skipped` when there are any: each check counts as one, and so does a tier that is over its budget, that
 * ran no test, or that vitest could not run. Exit code 1 when anything failed.
 */
async function main(names: string[]): Promise<boolean> {
  const unknown = names.filter((name) => !tiers.some((tier) => tier.name === name));
  if (unknown.length > 0)
    throw new Error(`no tier is called ${unknown.join(", ")}; there are ${tiers.map((tier) => tier.name).join(", ")}`);
  const total: Count = { passed: 0, failed: 0, skipped: 0, failures: [] };
  const lines: string[] = [];

  if (names.length === 0) {
    const outcomes = await check();
    show(outcomes);
    total.passed += outcomes.filter((outcome) => !outcome.findings).length;
    total.failed += outcomes.filter((outcome) => outcome.findings).length;
  }
  for (const tier of tiers.filter((tier) => names.length === 0 || names.includes(tier.name))) {
    const started = Date.now();
    const count = (await unprepared(tier)) ?? (await runTier(tier));
    const minutes = ((Date.now() - started) / 60_000).toFixed(1);
    lines.push(
      `${tier.name.padEnd(10)} ${counted(count)}, ${minutes} of ${tier.budgetMinutes} min${count.problem ? `  ${count.problem}` : ""}`,
    );
    total.passed += count.passed;
    total.failed += count.failed + (count.problem ? 1 : 0);
    total.skipped += count.skipped;
    total.failures.push(...count.failures);
  }
  console.log(`\n${lines.join("\n")}\n`);
  // Once more at the end: who reads a log from there need not look for them.
  for (const failure of total.failures) console.log(`${told(failure)}\n`);
  console.log(counted(total));
  return total.failed === 0;
}

/** Makes what only this tier needs. That it cannot be had is the tier's failure, not a reason to pass it over; undefined when all is there. */
async function unprepared({ name, parts = [] }: Tier): Promise<Count | undefined> {
  try {
    if (parts.length > 0) await setup({ quiet: true, names: parts });
    return undefined;
  } catch (error) {
    return { passed: 0, failed: 0, skipped: 0, failures: [], problem: `tier ${name} cannot run: ${(error as Error).message}` };
  }
}

const told = ({ file, title, message }: Failure) =>
  [`failed: ${file}${title && `: ${title}`}`, ...message.split("\n").slice(0, MESSAGE_LINES)].join("\n  ");

const counted = ({ passed, failed, skipped }: Count) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;

if (import.meta.main) {
  try {
    process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
