import { globProblem } from "../../../lib/plan/globs.ts";
import { MAX_TOUCHES } from "../../../lib/plan/limits.ts";

/** A word of a text that may be a path. */
const WORD = /[^\s`'"<>|,;*{}\\!?]{3,200}/g;
/** The ending of a file's name, as in `user.py`, and no number as in `v1.2`. */
const ENDING = /\.[a-z][a-z0-9]{0,9}$/i;

/**
 * Finds the paths that a text names, as far as they can be told from other words: with a folder and the ending of a
 * file, or with a slash at the end. An address, a route of a server or a name alone is none.
 */
export function pathsIn(text: string): string[] {
  const words = Array.from(text.matchAll(WORD), ([word]) => word.replace(/^[(:]+(?![^()]*\)\/)/, "").replace(/[.:)]+$/, ""));
  return touchesOf(
    words.filter((word) => word.includes("/") && !word.includes("//") && (ENDING.test(word) || word.endsWith("/"))),
  );
}

/** Takes from a list of paths those that may stand in a task's `touches`, each once. */
export const touchesOf = (paths: readonly string[]): string[] =>
  [...new Set(paths.map((path) => path.trim().replace(/^\.\//, "")))]
    .filter((path) => globProblem(path) === null && !/^[\w+.-]+:/.test(path))
    .slice(0, MAX_TOUCHES);
