import { plain, plainJson } from "../../lib/base/text.ts";
import { git } from "../../lib/git/run.ts";
import { isTouched } from "../../lib/plan/touches.ts";
import type { Outside } from "../../lib/protocol/status.ts";

/** How many files are named of a commit, and how long each name may be: a ship decides both. */
const MOST_FILES = 20;
const MOST_NAME = 200;

/** What is kept of the paths that a commit changes, and of one path: a ship decides both. */
const MOST_CHANGED = 100_000;
const MOST_PATH = 64 * 1024;

/** The paths in which two trees differ; null when there are more than 100,000. */
export async function changedFiles(repo: string, from: string, to: string): Promise<string[] | null> {
  const files: string[] = [];
  let count = 0;
  await eachChanged(repo, from, to, (path) => {
    if (++count <= MOST_CHANGED) files.push(path);
  });
  return count <= MOST_CHANGED ? files : null;
}

/**
 * The files in which two trees differ and that are none of those which a task touches; undefined when there are none.
 * However many there are, few are kept.
 */
export async function outsideOf(
  touches: readonly string[],
  { repo, from, to }: { repo: string; from: string; to: string },
): Promise<Outside | undefined> {
  const files: string[] = [];
  let count = 0;
  await eachChanged(repo, from, to, (path) => {
    if (!isTouched(touches, path) && ++count <= MOST_FILES) files.push(namedPath(path));
  });
  return count === 0 ? undefined : { files, count };
}

async function eachChanged(repo: string, from: string, to: string, take: (path: string) => void): Promise<void> {
  let rest = "";
  await git(["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to], {
    gitDir: repo,
    onStdout: (text) => {
      const paths = (rest + text).split("\0");
      // No file system has a path that is as long; its beginning stands for it.
      rest = paths.pop()!.slice(0, MOST_PATH);
      for (const path of paths) take(path);
    },
  });
}

/** The trailers that name these files in a commit. */
export function outsideTrailers({ files, count }: Outside): string[] {
  const more = count - files.length;
  return [...files, ...(more > 0 ? [`… and ${more} more`] : [])].map((file) => `Outside-Touches: ${file}`);
}

/**
 * A path as it can stand on a line. One that holds what is not seen, or that could be taken for something else, stands
 * in quotes, with that escaped.
 */
function namedPath(path: string): string {
  const isPlain = plain(path) === path && path.trim() === path && !/^["…]|\t/.test(path);
  const name = isPlain ? path : plainJson(path);
  return name.length > MOST_NAME ? `${name.slice(0, MOST_NAME).toWellFormed()}…` : name;
}
