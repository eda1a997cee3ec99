import { globProblem } from "../../../lib/plan/globs.ts";
import { effectiveTouches, isTouched } from "../../../lib/plan/touches.ts";
import type { PlanTask } from "../../../lib/plan/types.ts";

/** A path with a folder and an ending, as `src/auth/login.ts`. What follows `://` or stands within a word is none. */
const PATH = /(?<![\w/:.@~#-])(?:\.\/)?(?:[\w@.[\]+-]+\/)+[\w@.[\]+-]*\.[A-Za-z]\w{0,9}\b/g;
/** The beginning of a text that is looked at. */
const MOST_CHARACTERS = 20_000;

/**
 * Finds the paths in a task's subject and description that are not among what it touches. Which of them it only reads
 * cannot be told. A task that does not tell what it touches has none.
 */
export function untouchedPaths(task: PlanTask): { field: "subject" | "description"; path: string }[] {
  const touches = effectiveTouches(task);
  if (touches.length === 0) return [];
  const seen = new Set<string>();
  return (["subject", "description"] as const).flatMap((field) =>
    (task[field].slice(0, MOST_CHARACTERS).match(PATH) ?? [])
      .map((path) => path.replace(/^\.\//, ""))
      .filter((path) => !seen.has(path) && seen.add(path))
      .filter((path) => !isTouched(touches, path) && globProblem(path) === null)
      .map((path) => ({ field, path })),
  );
}
