import { execa } from "execa";
import type { Finding } from "./findings.ts";

/** A shell script or command of a plan, and where it stands. */
export type Script = { file: string; field: string; text: string };

/** A bash each: past this many different ones the rest is left to the ships. */
const MOST_SCRIPTS = 300;
const ALL_MS = 5_000;

/** Asks bash to read each of NUL-ended scripts, and nothing more: with -n it runs none of it. Answers a NUL-ended line each, empty where it is sound. */
const READ_ALL = `while IFS= read -r -d '' script; do bash --norc --noprofile -n <<<"$script" 2>&1 | head -c 500; printf '\\0'; done`;

/**
 * Scripts that bash cannot read, which would be found when they are run: after an hour of work, for verify.sh. Nothing of a plan is run at the captain:
 * bash is told to read (-n), with an environment of our own. Where there is no bash, or no time, nothing is found.
 */
export async function shellProblems(scripts: readonly Script[]): Promise<Finding[]> {
  const texts = [...new Set(scripts.map(({ text }) => text))].slice(0, MOST_SCRIPTS);
  if (texts.length === 0) return [];
  const { stdout } = await execa("bash", ["--norc", "--noprofile", "-c", READ_ALL], {
    input: texts.map((text) => `${text}\0`).join(""),
    env: { PATH: process.env.PATH, LC_ALL: "C" },
    extendEnv: false,
    reject: false,
    timeout: ALL_MS,
    stripFinalNewline: false,
  });
  const answers = (stdout ?? "").split("\0").slice(0, -1);
  const problems = new Map(texts.map((text, i) => [text, wordOf(answers[i] ?? "")]));
  return scripts.flatMap(({ file, field, text }) => {
    const problem = problems.get(text);
    return problem ? [{ file, field, message: `bash cannot read it: ${problem}` }] : [];
  });
}

/** `bash: line 3: syntax error: unexpected end of file` → `line 3: syntax error: unexpected end of file`. Warnings are none. */
function wordOf(answer: string): string {
  const line = answer.split("\n").find((each) => /syntax error|unexpected EOF/.test(each)) ?? "";
  return line.replace(/^bash: /, "").trim();
}
