import { globsMeet, literalStart, type ParsedGlob, parseGlob } from "../../../lib/plan/globs.ts";
import { mayRunAtOnce, type Reach } from "../../../lib/plan/reach.ts";
import { effectiveTouches } from "../../../lib/plan/touches.ts";
import type { PlanTask } from "../../../lib/plan/types.ts";

/** A task that may run at the same time as others and writes the same; `glob` is one of its own by which it does. */
export type Overlap = { task: string; others: string[]; glob: string };

/**
 * A glob of the plan, with the literal names that it begins with, and the tasks that have it: by their ids, and by
 * their places in the graph from when they are first needed.
 */
type Entry = { text: string; glob: ParsedGlob; start: readonly string[]; tasks: string[]; places?: readonly number[] };

/** The most globs that are compared with each other, and the most pairs of tasks: past them a plan is no plan. */
const MOST_COMPARED = 200_000;
const MOST_PAIRS = 20_000_000;
/** The most tasks with which one is said to overlap, so that a file that all write does not fill the memory. */
const MOST_OTHERS = 20;

/**
 * Finds the tasks that may run at one time, as neither waits for the other, and that write the same by what they touch.
 * Each pair is told once, at the task that comes first. `isWhole` is false where there was too much to compare.
 *
 * Globs are compared only where one begins with all names of the other before its first wildcard: `src/a.ts` with
 * `src/**` and with itself, and with nothing of `docs/`.
 *
 * @param reachOf  Computes who waits for whom. It is asked only where some tasks write the same.
 */
export function overlaps(tasks: readonly PlanTask[], reachOf: () => Reach): { found: Overlap[]; isWhole: boolean } {
  let known: Reach | undefined;
  const graph = () => {
    known ??= reachOf();
    return known;
  };
  const entries = new Map<string, Entry>();
  for (const task of tasks) {
    for (const text of effectiveTouches(task)) {
      const entry = entries.get(text);
      if (entry) {
        entry.tasks.push(task.id);
        continue;
      }
      const glob = parseGlob(text);
      entries.set(text, { text, glob, start: literalStart(glob), tasks: [task.id] });
    }
  }
  const found = new Map<number, { others: Set<number>; glob: string }>();
  let pairs = 0;
  const placesOf = (entry: Entry) => {
    entry.places ??= entry.tasks.map((id) => graph().places.get(id)!);
    return entry.places;
  };
  const add = (a: Entry, b: Entry) => {
    const reach = graph();
    for (const one of placesOf(a))
      for (const other of placesOf(b)) {
        if (++pairs > MOST_PAIRS) return;
        if (!mayRunAtOnce(reach, one, other)) continue;
        const [first, later, { text }] = one < other ? [one, other, a] : [other, one, b];
        const told = found.get(first) ?? { others: new Set(), glob: text };
        found.set(first, told);
        if (told.others.size < MOST_OTHERS) told.others.add(later);
      }
  };
  let compared = 0;
  const byPrefix = new Map<string, Entry[]>();
  for (const entry of entries.values()) {
    if (entry.tasks.length > 1) add(entry, entry);
    const key = entry.start.join("/");
    const alike = byPrefix.get(key);
    if (alike) alike.push(entry);
    else byPrefix.set(key, [entry]);
  }
  const openByPrefix = new Map([...byPrefix].map(([key, alike]) => [key, alike.filter(isOpen)]));
  for (const [key, alike] of byPrefix) {
    const above = prefixesOf(key).flatMap((prefix) => openByPrefix.get(prefix) ?? []);
    for (const [i, entry] of alike.entries())
      for (const other of [...above, ...alike.slice(i + 1)]) {
        if (++compared > MOST_COMPARED || pairs > MOST_PAIRS) return { found: told(), isWhole: false };
        if (globsMeet(entry.glob, other.glob)) add(entry, other);
      }
  }
  return { found: told(), isWhole: pairs <= MOST_PAIRS };

  function told(): Overlap[] {
    const sorted = [...found].sort(([a], [b]) => a - b);
    return sorted.map(([place, { others, glob }]) => ({
      task: graph().order[place]!,
      others: [...others].sort((a, b) => a - b).map((other) => graph().order[other]!),
      glob,
    }));
  }
}

/** Whether a glob goes on after the literal names with which it begins. */
const isOpen = ({ glob, start }: Entry): boolean => start.length < glob.length;

/** The paths above a path: of `a/b/c` these are the top, `a` and `a/b`. */
function prefixesOf(key: string): string[] {
  if (key === "") return [];
  const names = key.split("/");
  return names.map((_, count) => names.slice(0, count).join("/"));
}
