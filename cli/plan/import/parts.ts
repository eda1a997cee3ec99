import type { SourceTask, Whole } from "./shape.ts";

/** The most characters of a whole's text that each of its parts is told. */
const MOST_OF_THE_WHOLE = 4_000;

/**
 * Puts its parts in the place of each task that has some. A part waits also for that for which its whole waits, and who
 * waits for a whole waits for all of its parts. Each part is told of its whole, so that nothing of its text is lost.
 *
 * @param wholeOf  The whole of each part, by the ids of both.
 * @param options.endWithTheWhole  Whether an open part is done, or off, because its whole is.
 */
export function intoParts(
  all: readonly SourceTask[],
  wholeOf: ReadonlyMap<string, string>,
  { endWithTheWhole }: { endWithTheWhole: boolean },
  notes: string[],
): { tasks: SourceTask[]; wholes: Whole[] } {
  const known = new Map(all.map((task) => [task.id, task]));
  const parts = new Map<string, string[]>();
  for (const { id } of all) {
    const whole = wholeOf.get(id);
    if (whole === undefined || !known.has(whole) || wholesOf(id) === null) continue;
    parts.set(whole, [...(parts.get(whole) ?? []), id]);
  }

  const tasks = all.filter((task) => !parts.has(task.id));
  for (const task of tasks) {
    const wholes = (wholesOf(task.id) ?? []).map((id) => known.get(id)!);
    // That a part waits for its whole, or a whole for its parts, says no more than that they belong together.
    const family = new Set([task.id, ...wholes.map(({ id }) => id)]);
    const inherited = wholes.flatMap((whole) => whole.after.filter((id) => !wholesOf(id)?.includes(whole.id)));
    const after = [...task.after, ...inherited].filter((id) => !family.has(id));
    task.after = [...new Set(after.flatMap(leaves))].filter((id) => id !== task.id);
    for (const whole of wholes) {
      const { text } = whole;
      const told = text.length > MOST_OF_THE_WHOLE ? `${text.slice(0, MOST_OF_THE_WHOLE)}…` : text;
      task.text += `\n\nPart of ${whole.id}: ${told}`;
      if (!endWithTheWhole || task.state !== "open" || whole.state === "open") continue;
      notes.push(
        `${task.id} is ${task.status}, but it is part of ${whole.id}, which is ${whole.status}: it is left out with it.`,
      );
      Object.assign(task, { state: whole.state, status: whole.status });
    }
  }
  const wholes = all
    .filter((task) => parts.has(task.id))
    .map(({ id, title, state, file }) => ({ id, title, state, file, parts: leaves(id) }));
  for (const { id, parts } of wholes)
    notes.push(`${id} becomes its parts, ${parts.join(", ")}: who waits for it waits for all of them.`);
  return { tasks, wholes };

  /** The wholes of a task, from the nearest; null where they go round in a circle, so that none of them is one. */
  function wholesOf(id: string): string[] | null {
    const found: string[] = [];
    for (let at = wholeOf.get(id); at !== undefined && known.has(at); at = wholeOf.get(at)) {
      if (at === id || found.includes(at)) return null;
      found.push(at);
    }
    return found;
  }

  function leaves(id: string): string[] {
    return parts.get(id)?.flatMap(leaves) ?? [id];
  }
}
