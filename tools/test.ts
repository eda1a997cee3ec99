import { check, show } from "./check.ts";
import { type Count, type Failure, runTierSteadily } from "./run-tier.ts";
import { setup } from "./setup.mjs";
import { FILES_AT_ONCE, type Tier, tiers } from "./tiers.ts";

const MESSAGE_LINES = 30;
/** With more unsteady tests than this a run has failed: then it is the code that is unsteady, or the machine. */
const MOST_UNSTEADY = 3;

/**
 * Runs `npm test`: the checks, then every tier within its budget. `npm test -- helm crew` runs only these tiers; `npm
 * test -- fast` runs the checks and the tiers for everyday use, with their long runs shortened. Failures are shown
 * again at the end, and the last line is `N passed, N failed`, with `, N skipped` when there are any, and `, N
 * unsteady` for tests that passed only when they were run again. Each check counts as one, and so does a tier that is
 * over its budget, that ran no test, or that vitest could not run. The exit code is 1 when anything failed, or when
 * more tests than {@link MOST_UNSTEADY} were unsteady.
 */
async function main(names: string[]): Promise<boolean> {
  const { chosen, checks, fast } = choose(names);
  // Tests that repeat a run many times read this (tests/support/runs.ts), and repeat it less often.
  if (fast) process.env.OCAPTAIN_TEST_FAST = "1";
  const total: Required<Omit<Count, "problem">> = { passed: 0, failed: 0, skipped: 0, failures: [], unsteady: [] };
  const lines = new Map<Tier, string>();

  const runChecks = async () => {
    const outcomes = await check();
    show(outcomes);
    total.passed += outcomes.filter((outcome) => !outcome.findings).length;
    total.failed += outcomes.filter((outcome) => outcome.findings).length;
  };
  const run = async (tier: Tier) => {
    const started = Date.now();
    const count = (await unprepared(tier)) ?? (await runTierSteadily(tier));
    const minutes = ((Date.now() - started) / 60_000).toFixed(1);
    lines.set(
      tier,
      `${tier.name.padEnd(10)} ${counted(count)}, ${minutes} of ${tier.budgetMinutes} min${count.problem ? `  ${count.problem}` : ""}`,
    );
    total.passed += count.passed;
    total.failed += count.failed + (count.problem ? 1 : 0);
    total.skipped += count.skipped;
    total.failures.push(...count.failures);
    total.unsteady.push(...(count.unsteady ?? []));
  };
  if (fast) {
    // The longest tier runs beside all else, so that no core waits for its last file.
    const [longest, ...others] = chosen.toSorted((a, b) => b.budgetMinutes - a.budgetMinutes).map((tier) => () => run(tier));
    const jobs = [longest!, runChecks, ...others].map((work) => ({ filesAtOnce: 1 as const, work }));
    await besideEachOther(2, jobs, ({ work }) => work());
  } else {
    if (checks) await runChecks();
    for (const tier of chosen) if (!tier.shares) await run(tier);
    const sharing = chosen.filter((tier) => tier.shares);
    await besideEachOther(FILES_AT_ONCE, sharing, run);
  }
  console.log(`\n${chosen.map((tier) => lines.get(tier)).join("\n")}\n`);
  // Failures are shown once more at the end, so that a reader of a long log finds them there.
  for (const failure of total.unsteady) console.log(`${told(failure, "passed only when it was run again")}\n`);
  for (const failure of total.failures) console.log(`${told(failure, "failed")}\n`);
  if (total.unsteady.length > MOST_UNSTEADY)
    console.log(`more than ${MOST_UNSTEADY} tests passed only when they were run again: the run has failed\n`);
  console.log(counted(total));
  return total.failed === 0 && total.unsteady.length <= MOST_UNSTEADY;
}

/** Reads the words of the command line; throws for a word that is no tier's name. */
export function choose(names: string[]): { chosen: Tier[]; checks: boolean; fast: boolean } {
  const fast = names.includes("fast");
  const named = names.filter((name) => name !== "fast");
  const unknown = named.filter((name) => !tiers.some((tier) => tier.name === name));
  if (unknown.length > 0)
    throw new Error(`no tier is called ${unknown.join(", ")}; there are ${tiers.map((tier) => tier.name).join(", ")}, and fast`);
  const isChosen = (tier: Tier) => names.length === 0 || named.includes(tier.name) || (fast && tier.fast === true);
  return { chosen: tiers.filter(isChosen), checks: fast || names.length === 0, fast };
}

/**
 * Works through tiers in their order, each as soon as there is room for its files, of which at most `files` run at the
 * same time.
 */
export async function besideEachOther<T extends Pick<Tier, "filesAtOnce">>(
  files: number,
  inOrder: T[],
  work: (tier: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let free = files;
  for (const tier of inOrder) {
    while (free < tier.filesAtOnce && running.size > 0) await Promise.race(running);
    free -= tier.filesAtOnce;
    const done: Promise<void> = work(tier).finally(() => {
      free += tier.filesAtOnce;
      running.delete(done);
    });
    running.add(done);
  }
  await Promise.all(running);
}

/**
 * Makes the parts of set-up that only this tier needs, and resolves to undefined when all are there. A part that cannot
 * be had is the tier's failure, not a reason to skip the tier.
 */
async function unprepared({ name, parts = [] }: Tier): Promise<Count | undefined> {
  try {
    if (parts.length > 0) await setup({ quiet: true, names: parts });
    return undefined;
  } catch (error) {
    return { passed: 0, failed: 0, skipped: 0, failures: [], problem: `tier ${name} cannot run: ${(error as Error).message}` };
  }
}

const told = ({ file, title, message }: Failure, what: string) =>
  [`${what}: ${file}${title && `: ${title}`}`, ...message.split("\n").slice(0, MESSAGE_LINES)].join("\n  ");

const counted = ({ passed, failed, skipped, unsteady = [] }: Count) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}${unsteady.length > 0 ? `, ${unsteady.length} unsteady` : ""}`;

if (import.meta.main) {
  try {
    process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
