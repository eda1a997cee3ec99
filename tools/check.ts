import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { machinePaths } from "./machine-paths.ts";

/**
 * The checks of `npm run check`: types, lint and format, import borders, dead code, the quick tests that only read the
 * source, paths of this machine. All of them run, and then all findings are shown together.
 */
const root = join(import.meta.dirname, "..");
const program = (...path: string[]) => join(root, "node_modules", ...path);
const LIMIT_MS = 5 * 60_000;

/**
 * Arguments by which TypeScript keeps what it found out, so that the next run only looks at what has changed. The file
 * is named after the checkout, because several may share their `.tools/`.
 */
const keep = (name: string) => {
  const checkout = createHash("sha256").update(root).digest("hex").slice(0, 8);
  return ["--incremental", "--tsBuildInfoFile", join(root, ".tools", `${name}-${checkout}.tsbuildinfo`)];
};

type Outcome = { name: string; seconds: number; findings: string };

/** The tests of the tier tools that read files of the repository and start nothing. */
const READ_ONLY = [
  "bare-sleeps",
  "borders",
  "comment-width",
  "documents",
  "hints",
  "how-it-works",
  "plan-format",
  "pointers",
  "prior-art",
  "security-page",
  "sql",
  "tiers",
];

const commands: Record<string, string[]> = {
  types: [program("typescript", "bin", "tsc"), "-p", ".", ...keep("types")],
  "types of the page": [program("typescript", "bin", "tsc"), "-p", "web", ...keep("types-of-the-page")],
  "lint and format": [program("@biomejs", "biome", "bin", "biome"), "check", "--error-on-warnings", "--colors=off"],
  "import borders": [
    program("dependency-cruiser", "bin", "dependency-cruiser.mjs"),
    "--config",
    ".dependency-cruiser.mjs",
    "--output-type",
    "err",
    ".",
  ],
  "dead code": [program("knip", "bin", "knip.js"), "--no-progress"],
  "tests of the source": [
    program("vitest", "vitest.mjs"),
    "run",
    "--project",
    "tools",
    "--reporter=dot",
    ...READ_ONLY.map((name) => `tests/tools/${name}.test.ts`),
  ],
};

/**
 * Runs all checks, at most two at a time because they are bound by the processor. `findings` is "" when a check passes.
 */
export async function check(): Promise<Outcome[]> {
  const waiting: [string, () => Promise<string>][] = Object.entries(commands).map(([name, args]) => [name, () => run(args)]);
  waiting.push(["paths of this machine", async () => machinePaths(root).join("\n")]);
  const outcomes: Outcome[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const started = Date.now();
      outcomes.push({ name: next[0], findings: await next[1](), seconds: (Date.now() - started) / 1000 });
    }
  };
  await Promise.all([worker(), worker()]);
  return outcomes;
}

/** Runs a command and resolves to what it printed if it failed, else to "". */
function run(args: string[]): Promise<string> {
  const { FORCE_COLOR: _, ...rest } = process.env;
  const env = { ...rest, NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root, env, timeout: LIMIT_MS, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      resolve(error ? `${stdout}${stderr}`.trim() || error.message : "");
    });
  });
}

/** Prints the findings of the checks that have failed, and a line for each check. */
export function show(outcomes: Outcome[]): void {
  for (const { name, findings } of outcomes) if (findings) console.log(`\n${name}:\n${findings}\n`);
  for (const { name, findings, seconds } of outcomes) {
    console.log(`check  ${name.padEnd(22)} ${findings ? "FAILED" : "ok"} (${seconds.toFixed(1)} s)`);
  }
}

if (import.meta.main) {
  const outcomes = await check();
  show(outcomes);
  process.exit(outcomes.some((outcome) => outcome.findings) ? 1 : 0);
}
