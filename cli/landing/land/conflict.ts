import { OcaptainError } from "../../../lib/base/errors.ts";
import { shellWord } from "../../../lib/base/shell-word.ts";
import { plain } from "../../../lib/base/text.ts";
import { git } from "../../../lib/git/run.ts";
import { fenced } from "../fenced.ts";
import type { Base } from "./base.ts";

const MOST_FILES = 200;
const MOST_SHOWN = 20;
const MOST_OF_FILE = 3_000;
const MOST_COMMITS = 20;
const MOST_LINE = 200;
const MOST_BLOB = 4 * 1024 * 1024;

/** The task that has a ship merge the base: what the fleet is told, and how it is judged. */
type ConflictTask = { subject: string; description: string; check: string; rehearsal: string; signature: string };

/** How the signatures of such tasks begin; the commit of the base follows. */
export const SIGNATURE = "conflict:";

/**
 * Writes the task by which a ship merges the base where git cannot. The crew begins that merge in the ship's tree by
 * itself, so the task is to settle what is in conflict.
 *
 * @param tree  the merge as git made it, with its marks in the files
 */
export async function conflictTask(
  gitDir: string,
  ask: { tip: string; base: Base; stack: string; tree: string; files: readonly string[] },
): Promise<ConflictTask> {
  const { base, stack, files } = ask;
  const named = files.slice(0, MOST_FILES);
  const more = files.length - named.length;
  const description = [
    `The branch ${base.branch}, into which this voyage is to land, has moved on: ${base.ahead === 1 ? "a commit" : `${base.ahead} commits`} that the voyage's branch ${stack} has not. Merging it in is in conflict, and this task settles that.`,
    `The merge of ${base.tip} is under way in your tree: git has merged what it could, and its marks (<<<<<<<, =======, >>>>>>>) stand where it could not; above the ======= is the voyage's side, below it that of ${base.branch}. Settle each so that what both sides were meant to do still works, take out the marks, and see that the whole still builds and passes its tests. Do not abort the merge, and throw neither side away: what ${base.branch} has brought is accepted work of others.`,
    `## Files in conflict\n\n${[...named.map((file) => `- ${shown(file)}`), ...(more > 0 ? [`- and ${more} more`] : [])].join("\n")}`,
    await commitsOf(gitDir, ask),
    ...(await Promise.all(named.slice(0, MOST_SHOWN).map((file) => bothSides(gitDir, ask.tree, file)))),
  ];
  return {
    subject: `Merge ${base.branch} into the voyage, and settle what is in conflict`,
    description: description.filter(Boolean).join("\n\n"),
    ...commands(named),
    signature: `${SIGNATURE}${base.tip}`,
  };
}

/** The check of the task; and its rehearsal, which keeps both sides. */
function commands(files: readonly string[]): { check: string; rehearsal: string } {
  const words = files.map(shellWord).join(" ");
  return {
    check: `for file in ${words}; do\n  if [ -f "$file" ] && grep -qE '^(<<<<<<<|>>>>>>>)( |$)' -- "$file"; then echo "$file still holds marks of the conflict" >&2; exit 1; fi\ndone`,
    rehearsal: `for file in ${words}; do\n  if [ -f "$file" ]; then sed -i -e '/^<<<<<<< /d' -e '/^=======$/d' -e '/^>>>>>>> /d' -- "$file"; fi\ndone\necho "kept both sides"`,
  };
}

async function commitsOf(
  gitDir: string,
  { tip, base, files }: { tip: string; base: Base; files: readonly string[] },
): Promise<string> {
  const paths = files.slice(0, MOST_FILES).map((file) => `:(literal)${file}`);
  const { stdout } = await git(["log", `--max-count=${MOST_COMMITS}`, "--format=%h %s", base.tip, `^${tip}`, "--", ...paths], {
    gitDir,
  });
  const lines = stdout
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => `- ${plain(line, { most: MOST_LINE })}`);
  return lines.length > 0 ? `## What ${base.branch} has done to them\n\n${lines.join("\n")}` : "";
}

/** The parts of a file in which both sides stand. */
async function bothSides(gitDir: string, tree: string, file: string): Promise<string> {
  const heading = `### ${shown(file)}`;
  const read = await git(["cat-file", "blob", `${tree}:${file}`], { gitDir, mostBytes: MOST_BLOB }).catch((error: unknown) => {
    if (error instanceof OcaptainError) return null;
    throw error;
  });
  const parts =
    read && !read.stdout.includes("\0") ? [...read.stdout.matchAll(/^<{7} .*\n[\s\S]*?^>{7} .*$/gm)].map(([part]) => part) : [];
  if (parts.length === 0)
    return `${heading}\n\nIt has no marks: one side has changed it and the other has deleted, renamed or replaced it, or it is no text. \`git status\` says which.`;
  return `${heading}\n\n${fenced(parts.join("\n…\n"), MOST_OF_FILE)}`;
}

const shown = (file: string) => plain(file, { most: MOST_LINE });
