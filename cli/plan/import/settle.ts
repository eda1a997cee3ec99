import type { Guess, Source, SourceTask } from "./shape.ts";

/** A task of the plan that is written: its number there, and the numbers of those for which it waits. */
export type PlannedTask = { number: string; task: SourceTask; blockedBy: string[] };

/** What of a source becomes a plan. */
export type Settled = {
  tasks: PlannedTask[];
  leftOut: SourceTask[];
  /** The edges of the plan that the source does not state: guessed, or through tasks that are left out. */
  guesses: Guess[];
  notes: string[];
};

/**
 * Takes out the tasks that are done or off, and numbers the rest in the order of the source. What waited for one that
 * was taken out waits for that for which it waited itself, so that no order is lost.
 */
export function settle({ tasks, guesses }: Source): Settled {
  const known = new Map(tasks.map((task) => [task.id, task]));
  const notes: string[] = [];
  const blockers = new Map<string, Set<string>>(tasks.map((task) => [task.id, new Set()]));
  for (const task of tasks)
    for (const id of task.after) {
      const other = known.get(id);
      if (!other) notes.push(`${task.id} waits for ${id}, which is not in the source: that edge is left out.`);
      else blockers.get(task.id)!.add(id);
      if (other?.state === "off" && task.state === "open")
        notes.push(`${task.id} waits for ${id}, which is ${other.status} and left out: it waits for what that waited for.`);
    }
  for (const { task, after } of guesses) blockers.get(task)!.add(after);

  const planned = tasks.filter((task) => task.state === "open");
  const numbers = new Map(planned.map((task, index) => [task.id, String(index + 1)]));
  const resolved = throughLeftOut(blockers, (id) => numbers.has(id));
  const through = planned.flatMap(({ id }) =>
    [...resolved(id)]
      .filter((other) => !blockers.get(id)!.has(other))
      .map((after) => ({ task: id, after, why: "what stood between the two is left out" })),
  );
  return {
    tasks: planned.map((task) => ({
      number: numbers.get(task.id)!,
      task,
      blockedBy: [...resolved(task.id)].map((id) => numbers.get(id)!).sort((a, b) => Number(a) - Number(b)),
    })),
    leftOut: tasks.filter((task) => task.state !== "open"),
    guesses: [...guesses.filter(({ task, after }) => numbers.has(task) && numbers.has(after)), ...through],
    notes,
  };
}

/** Makes the function that finds the kept tasks for which one waits, through any that are not kept. */
function throughLeftOut(blockers: ReadonlyMap<string, ReadonlySet<string>>, isKept: (id: string) => boolean) {
  const known = new Map<string, ReadonlySet<string>>();
  const at = (id: string): ReadonlySet<string> => {
    // Each task is finished after those for which it waits. There is no cycle, and a stack of our own has no depth.
    const stack = [id];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const gone = [...(blockers.get(top) ?? [])].filter((other) => !isKept(other));
      const missing = gone.filter((other) => !known.has(other));
      if (missing.length > 0) stack.push(...missing);
      else {
        const direct = [...(blockers.get(top) ?? [])].filter(isKept);
        known.set(top, new Set([...direct, ...gone.flatMap((other) => [...known.get(other)!])]));
        stack.pop();
      }
    }
    return known.get(id)!;
  };
  return at;
}
