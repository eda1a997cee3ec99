import { plain, plainJson } from "../../lib/base/text.ts";
import { git } from "../../lib/git/run.ts";
import { isTouched } from "../../lib/plan/touches.ts";
import type { Outside } from "../../lib/protocol/status.ts";

/** How many files are named of a commit, and how long each name may be: a ship decides both. */
const MOST_FILES = 20;
const MOST_NAME = 200;

/** The paths in which two trees differ. */
export async function changedFiles(repo: string, from: string, to: string): Promise<string[]> {
  const { stdout } = await git(["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to], { gitDir: repo });
  return stdout.split("\0").filter(Boolean);
}

/** The files that are changed and are none of those that the task touches; undefined when there are none. */
export function outsideOf(touches: readonly string[], changed: readonly string[]): Outside | undefined {
  const outside = changed.filter((path) => !isTouched(touches, path));
  if (outside.length === 0) return undefined;
  return { files: outside.slice(0, MOST_FILES).map(namedPath), count: outside.length };
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
