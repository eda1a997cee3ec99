import { guessOrder } from "./order.ts";
import type { Guess, SourceTask } from "./shape.ts";

/**
 * Guesses the order of tasks in a format that has links between tasks. Where one is linked, links are in use there, and
 * what is not linked may be done at the same time. Where none is, nobody has said anything of the order: then tasks
 * follow each other as they are listed, unless the captain wants them at the same time.
 */
export function orderOfLinks(tasks: readonly SourceTask[], isParallel: boolean, notes: string[]): Guess[] {
  const isLinked = tasks.some((task) => task.after.length > 0);
  const isFree = () => isLinked || isParallel;
  // Called in any case, as it refuses tasks that wait for each other.
  const { guesses } = guessOrder([[{ tasks, isFree, saysItself: () => false }]], {
    inTrack: "no task of the source is linked with another: they follow each other as they are listed",
    betweenStages: "",
  });
  if (!isLinked && isParallel && tasks.length > 1)
    notes.push("No task of the source is linked with another: all may be done at the same time, as --parallel says.");
  return guesses;
}
