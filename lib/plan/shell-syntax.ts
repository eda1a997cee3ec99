import { runProgram } from "../base/run-program.ts";
import type { PlanFinding } from "./findings.ts";

/** A shell script or command of a plan, and where it stands. */
export type Script = { file: string; field: string; text: string };

/**
 * A command of plain words only, such as `test -f src/a.ts && npm test`, which cannot be anything but sound: no quote
 * and no sign of the shell is in it, and no word of its grammar begins it. Most checks of large plans are of the kind.
 */
const PLAIN_COMMAND = String.raw`(?!(?:if|then|elif|else|fi|for|select|while|until|do|done|case|esac|function|coproc|time|in)(?: |$))[\w@%+:,./-]+(?: [\w@%+:,./=-]+)*`;
const PLAIN = new RegExp(`^${PLAIN_COMMAND}(?: && ${PLAIN_COMMAND})*$`);

/** The most different scripts that are read here, as each takes a bash. Those past it are left to the ships. */
const MOST_SCRIPTS = 300;
const ALL_MS = 5_000;

/**
 * The bash program that takes scripts, each ended by a NUL, and lets another bash read each without running it (-n).
 * For each script it prints what that bash said, ended by a NUL: nothing where the script is sound.
 */
const READ_ALL = `while IFS= read -r -d '' script; do bash --norc --noprofile -n <<<"$script" 2>&1; printf '\\0'; done`;

/**
 * Finds the scripts that bash cannot parse, which would otherwise fail when they are run: for verify.sh, after all
 * tasks were done. No part of a plan is run on the captain's machine: bash only reads it (-n), in an environment
 * without the captain's variables. Where there is no bash, or it takes more than 5 s, nothing is found in what was not
 * read.
 */
export async function shellProblems(scripts: readonly Script[]): Promise<PlanFinding[]> {
  const texts = [...new Set(scripts.map(({ text }) => text))].filter((text) => !PLAIN.test(text)).slice(0, MOST_SCRIPTS);
  if (texts.length === 0) return [];
  const { stdout } = await runProgram("bash", ["--norc", "--noprofile", "-c", READ_ALL], {
    input: texts.map((text) => `${text}\0`).join(""),
    env: { PATH: process.env.PATH, LC_ALL: "C" },
    timeoutMs: ALL_MS,
  });
  const answers = stdout.split("\0").slice(0, -1);
  const problems = new Map(texts.map((text, i) => [text, wordOf(answers[i] ?? "")]));
  return scripts.flatMap(({ file, field, text }) => {
    const problem = problems.get(text);
    return problem ? [{ file, field, message: `bash cannot read it: ${problem}` }] : [];
  });
}

/** Takes the syntax error out of what bash said, without the `bash: ` before it. Warnings of bash do not count. */
function wordOf(answer: string): string {
  const line = answer.split("\n").find((each) => /syntax error|unexpected EOF/.test(each)) ?? "";
  return line.replace(/^bash: /, "").trim();
}
