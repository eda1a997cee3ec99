import { execa } from "execa";
import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson, plainLines } from "../../lib/base/text.ts";
import { git, gitEnv } from "../../lib/git/run.ts";
import type { Io } from "../output/io.ts";

/** A change from one commit to another, in the voyage's bare repository. */
export type Change = { repo: string; from: string; to: string };

/** The most of a patch that is shown on a terminal; one that goes to a file or a pipe is whole. */
const MOST_SHOWN = 16 * 1024 * 1024;
/** Nothing that the repository brings is run, and what is shown does not depend on anybody's settings. */
const PLAIN = ["--no-ext-diff", "--no-textconv", "--no-color", "--full-index"];

/**
 * Shows a change as git does. A pipe or a file gets the patch as it is, for `git apply`; on a terminal what agents
 * wrote acts on nothing, and is coloured by us.
 */
export async function showChange({ repo, from, to }: Change, { stat }: { stat?: boolean | undefined }, io: Io): Promise<void> {
  if (io.columns === undefined && !stat) {
    const options = { env: gitEnv([], { GIT_DIR: repo }), extendEnv: false, stdin: "ignore" as const, cancelSignal: io.signal };
    // A reader that has enough, such as `head`, ends git, and that is no failure.
    const run = await execa("git", ["diff", ...PLAIN, "--binary", from, to, "--"], {
      ...options,
      ...{ stdout: "inherit", stderr: "inherit", reject: false },
    });
    io.signal.throwIfAborted();
    if (run.failed && run.signal !== "SIGPIPE") throw run;
    return;
  }
  const how = stat ? [`--stat=${io.columns ?? 100}`] : [];
  const { stdout } = await git(["diff", ...PLAIN, ...how, from, to, "--"], { gitDir: repo, mostBytes: MOST_SHOWN });
  if (stdout)
    io.out(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => painted(line, io))
        .join("\n"),
    );
}

/**
 * The beginning of a change's patch, as git writes it; where that is very long, the files and how many lines of each.
 */
export async function patchText({ repo, from, to }: Change, most: number): Promise<{ text: string; isCut: boolean }> {
  const diff = (...how: string[]) => git(["diff", ...PLAIN, ...how, from, to, "--"], { gitDir: repo, mostBytes: MOST_SHOWN });
  const whole = await diff().catch((error: unknown) => {
    if (error instanceof OcaptainError && error.code === "GIT_TOO_LONG") return null;
    throw error;
  });
  if (!whole) return { text: (await diff("--stat=100")).stdout.slice(0, most).toWellFormed(), isCut: true };
  return { text: whole.stdout.slice(0, most).toWellFormed(), isCut: whole.stdout.length > most };
}

/** A line of a patch as it is shown. */
export function painted(line: string, io: Io): string {
  const text = plainLines(line);
  if (line.startsWith("diff ")) return io.style("bold", text);
  if (line.startsWith("@@")) return io.style("cyan", text);
  if (/^\+(?!\+\+ )/.test(line)) return io.style("green", text);
  if (/^-(?!-- )/.test(line)) return io.style("red", text);
  return text;
}

/** A file that a change changes; `added` and `deleted` count lines, and are null for what is no text. */
export type ChangedFile = { path: string; added: number | null; deleted: number | null };

/** Lists the files that a change changes. A file that was renamed is one deleted and one added. */
export async function filesOf({ repo, from, to }: Change): Promise<ChangedFile[]> {
  const { stdout } = await git(["diff", "--numstat", "-z", "--no-renames", ...PLAIN, from, to, "--"], { gitDir: repo });
  return stdout.split("\0").flatMap((line) => {
    const [, added, deleted, path] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(line) ?? [];
    const count = (text: string) => (text === "-" ? null : Number(text));
    return path === undefined ? [] : [{ path, added: count(added!), deleted: count(deleted!) }];
  });
}

/** Prints what a change is, with its files, as JSON. */
export async function changeAsJson(change: Change, more: object, io: Io): Promise<void> {
  io.out(plainJson({ ...more, from: change.from, to: change.to, files: await filesOf(change) }, 2));
}
