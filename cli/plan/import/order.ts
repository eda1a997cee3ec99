import { OcaptainError } from "../../../lib/base/errors.ts";
import { findCycles, formatCycle } from "../../../lib/plan/graph.ts";
import type { Guess, SourceTask } from "./shape.ts";

/** Tasks that the source lists one below the other. */
export type Track = {
  tasks: readonly SourceTask[];
  /** Whether a task waits for none of its track, as the source or the captain says. */
  isFree(task: SourceTask): boolean;
  /** Whether a task says itself what it waits for in its track, so that nothing is guessed. */
  saysItself(task: SourceTask): boolean;
};

/** The most edges that are guessed. Far below it a person would no longer find one in the list. */
const MOST_GUESSES = 100_000;

/**
 * Guesses the order that a source leaves to its reader. Stages follow each other; the tracks of a stage are independent
 * of each other; in a track a task waits for all before it, and a free one for none of them. Whatever the source states
 * goes before: a guess that it contradicts is not made, so that the guesses and what is stated make no cycle together.
 *
 * @param why  The reasons that the guesses carry: within a track, and from stage to stage.
 * @throws OcaptainError SOURCE where what is stated is a cycle by itself, or there were too many guesses
 */
export function guessOrder(
  stages: readonly (readonly Track[])[],
  why: { inTrack: string; betweenStages: string },
): { guesses: Guess[]; contradicted: Guess[] } {
  const rank = statedOrder(stages.flat().flatMap(({ tasks }) => tasks));
  const guesses: Guess[] = [];
  const contradicted: Guess[] = [];
  const guess = (task: SourceTask, after: string, reason: string) => {
    if (task.after.includes(after)) return;
    const each = { task: task.id, after, why: reason };
    (rank.get(after)! < rank.get(task.id)! ? guesses : contradicted).push(each);
    if (guesses.length > MOST_GUESSES)
      throw new OcaptainError("SOURCE", `the order would take more than ${MOST_GUESSES} edges: import a part at a time`);
  };

  let before: string[] = [];
  for (const stage of stages) {
    const walks = stage.map(walk);
    const entries = walks.flatMap((each) => each.entries);
    const comesFirst = (id: string) => entries.some((task) => rank.get(task.id)! < rank.get(id)!);
    for (const id of before) {
      // Where an entry must come first, the others of the stage wait all the same, and so does the next stage.
      const waiting = comesFirst(id) ? stage.flatMap(({ tasks }) => tasks) : entries;
      for (const task of waiting) guess(task, id, why.betweenStages);
    }
    const after = [...walks.flatMap(({ exits }) => exits), ...before.filter(comesFirst)];
    if (after.length > 0) before = after;
  }
  return { guesses, contradicted };

  /**
   * Guesses the order in a track. Returns the tasks that wait for none of it, and the ids for which none of it waits:
   * whoever waits for these waits for the whole track.
   */
  function walk({ tasks, isFree, saysItself }: Track): { entries: SourceTask[]; exits: string[] } {
    const here = new Set(tasks.map((task) => task.id));
    const entries: SourceTask[] = [];
    let open: string[] = [];
    for (const task of [...tasks].sort((a, b) => rank.get(a.id)! - rank.get(b.id)!)) {
      const stated = new Set(task.after.filter((id) => here.has(id)));
      if (isFree(task) || saysItself(task)) {
        if (stated.size === 0) entries.push(task);
        open = open.filter((id) => !stated.has(id));
      } else {
        if (open.length === 0 && stated.size === 0) entries.push(task);
        for (const id of open) guess(task, id, why.inTrack);
        open = [];
      }
      open.push(task.id);
    }
    return { entries, exits: open };
  }
}

/**
 * Ranks tasks so that each comes after all for which it is said to wait, and otherwise in the order of the source.
 *
 * @throws OcaptainError SOURCE where there is no such order
 */
function statedOrder(tasks: readonly SourceTask[]): Map<string, number> {
  const known = new Map(tasks.map((task) => [task.id, task]));
  const nodes = tasks.map(({ id, after }) => ({ id, blockedBy: after.filter((other) => known.has(other)) }));
  const [cycle] = findCycles(nodes);
  if (cycle) throw new OcaptainError("SOURCE", `tasks of the source wait for each other: ${formatCycle(cycle)}`);
  const rank = new Map<string, number>();
  const blockers = new Map(nodes.map((node) => [node.id, node.blockedBy]));
  for (const { id } of nodes) {
    // A stack of our own, as a chain of thousands of tasks is deeper than what a function may call itself.
    const stack = [id];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const missing = blockers.get(top)!.find((other) => !rank.has(other));
      if (!rank.has(top) && missing !== undefined) stack.push(missing);
      else {
        if (!rank.has(top)) rank.set(top, rank.size);
        stack.pop();
      }
    }
  }
  return rank;
}
