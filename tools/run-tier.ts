import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Tier } from "./tiers.ts";

/**
 * The result of a tier's tests. `problem` is a failure that belongs to no single test. `unsteady` are tests that failed
 * and then passed when their file was run again ({@link runTierSteadily}); they count as passed.
 */
export type Count = {
  passed: number;
  failed: number;
  skipped: number;
  failures: Failure[];
  unsteady?: Failure[];
  problem?: string;
};

/**
 * A test that failed: its file from the project's root, its title, and its message without colours or vitest's own
 * stack frames.
 */
export type Failure = { file: string; title: string; message: string };

const root = join(import.meta.dirname, "..");
const GRACE_MS = 10_000;

const vitestArgs = (tier: Tier, report: string, files: readonly string[]) => [
  join(root, "node_modules", "vitest", "vitest.mjs"),
  ...["run", "--project", tier.name, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...files],
];

/** The most failures of a tier after which it is worth a look whether they were chance. */
const CHANCE = 2;

/**
 * Runs one tier as {@link runTier} does, and where one or two of its tests have failed, their files once more. A test
 * that passes then is told as unsteady, with its first failure: a defect, of the test or of what it tests, which would
 * otherwise be lost among the results or keep everybody's work from landing. A tier with a problem, or with more
 * failures, is not run again, nor is a file that failed before its first test.
 */
export async function runTierSteadily(tier: Tier, argsOf = vitestArgs): Promise<Count> {
  const started = Date.now();
  const first = await runTier(tier, argsOf);
  const { failures } = first;
  if (first.problem || failures.length === 0 || failures.length > CHANCE || failures.some(({ title }) => title === ""))
    return first;
  const files = [...new Set(failures.map(({ file }) => file))];
  console.log(`\n${failures.length} of the tier ${tier.name} failed; once more: ${files.join(", ")}`);
  const left = { ...tier, budgetMinutes: tier.budgetMinutes - (Date.now() - started) / 60_000 };
  const again = await runTier(left, argsOf, files);
  if (again.problem || again.failures.some(({ title }) => title === "")) return first;
  const isAgain = (test: Failure) => again.failures.some(({ file, title }) => file === test.file && title === test.title);
  const unsteady = failures.filter((test) => !isAgain(test));
  return {
    ...first,
    passed: first.passed + unsteady.length,
    failed: first.failed - unsteady.length,
    failures: failures.filter(isAgain),
    unsteady,
  };
}

/**
 * Runs one tier by vitest, in a process group and with a folder for temporary files of its own, so that a tier over
 * its budget is ended together with all that it started. Rejects when vitest or this process is sent a signal.
 * `argsOf` gives the arguments for Node to run a program that writes vitest's JSON report to a file. `files` are the
 * test files to run, all of the tier when there are none.
 */
export async function runTier(tier: Tier, argsOf = vitestArgs, files: readonly string[] = []): Promise<Count> {
  // The name is short because tests have sockets deep below it, and a socket's path may have 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), "t"));
  const report = join(folder, "report.json");
  const temporary = join(folder, "t");
  mkdirSync(temporary);
  // As of any folder for temporary files: some tests run a program as a user without any privilege.
  chmodSync(folder, 0o755);
  chmodSync(temporary, 0o1777);
  const [program = "", ...args] = [...within(tier), process.execPath, ...argsOf(tier, report, files)];
  const vitest = spawn(program, args, {
    cwd: root,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  });
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-vitest.pid!, signal);
    } catch {
      // The whole group has ended.
    }
  };
  let interruptedBy = "";
  const interrupted = (signal: NodeJS.Signals) => {
    interruptedBy = signal;
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
    if (interruptedBy) throw new Error(`interrupted by ${interruptedBy}`);
    if (signal && !overBudget) throw new Error(`vitest was ended by ${signal}`);
    const count = readReport(report);
    if (overBudget) return { ...count, problem: `tier ${tier.name} is over its budget of ${tier.budgetMinutes} min` };
    if (count.passed + count.failed === 0) return { ...count, problem: `tier ${tier.name} ran no test` };
    if (code !== 0 && count.failed === 0) return { ...count, problem: `vitest failed with exit code ${code} outside of a test` };
    return count;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    await endAllBelow(temporary);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/**
 * Ends the processes that tests have left behind: helms, harbors, ships and daemons of syncs, which are in sessions of
 * their own. Each of them names the run's folder for temporary files in its environment or its command line, since its
 * home lies in that folder.
 */
export async function endAllBelow(folder: string): Promise<void> {
  for (const end = Date.now() + GRACE_MS; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const left = processes().filter((pid) => speaksOf(pid, folder) !== false);
    if (left.length === 0) return;
    for (const pid of left) {
      if (!speaksOf(pid, folder)) continue;
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // The process has ended meanwhile.
      }
    }
  }
}

/** The ids of all processes but this one; none where there is no /proc. */
const processes = () =>
  existsSync("/proc") ? readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid) : [];

/**
 * Whether a process names the folder; undefined as long as that cannot be told. Whoever spawned a process may go on,
 * and end, while it is in the midst of its exec, and then it has a program, but neither environment nor command line.
 */
function speaksOf(pid: string, folder: string): boolean | undefined {
  try {
    const said = ["environ", "cmdline"].map((what) => readFileSync(`/proc/${pid}/${what}`, "utf8"));
    // Threads of the kernel, and processes that have ended, have no program, and this throws.
    if (said.every((text) => text === "") && readlinkSync(`/proc/${pid}/exe`)) return undefined;
    return said.some((text) => text.includes(folder));
  } catch {
    return false; // The process is gone, or is another user's.
  }
}

/**
 * The command that starts a tier's tests in their own network. Without root it is empty, and the tests say themselves
 * why they cannot run.
 */
const within = ({ ownNetwork }: Tier): string[] =>
  ownNetwork && process.getuid?.() === 0 ? ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"] : [];

/** Reads vitest's JSON report; all counts are 0 when vitest was ended before it wrote one. */
function readReport(file: string): Count {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0, failures: [] };
  const report = JSON.parse(readFileSync(file, "utf8"));
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
    failures: failuresOf(report.testResults ?? []),
  };
}

type FileReport = {
  name: string;
  message?: string;
  assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
};

/** The failed tests, and also the files that failed as a whole before their first test. */
const failuresOf = (files: FileReport[]): Failure[] =>
  files.flatMap(({ name, message, assertionResults }) => {
    const file = relative(root, name);
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (failed.length === 0 && message) return [{ file, title: "", message: plain(message) }];
    return failed.map((test) => ({ file, title: test.fullName, message: plain(test.failureMessages.join("\n")) }));
  });

const plain = (message: string) =>
  stripVTControlCharacters(message)
    .split("\n")
    .filter((line) => !/^\s+at .*(node_modules|node:)/.test(line))
    .join("\n");
