import { indexTouches } from "./touch-index.ts";

/** Which tasks may write the same files, by groups of tasks that touch the same. */
export type Contention = {
  /** The group of each task, in the order of the tasks; -1 for one that does not tell what it touches. */
  groupOf: Int32Array;
  /** For each group the groups with which it overlaps; it is one of them itself. */
  overlapping: readonly (readonly number[])[];
};

/** The most comparisons of globs, and the most pairs of groups that overlap: they take some tenths of a second. */
const MOST_COMPARISONS = 300_000;
const MOST_PAIRS = 1_000_000;

/** Compares what tasks touch, each group with all others. Returns null where there is too much to compare. */
export function contentionOf(touches: readonly (readonly string[])[]): Contention | null {
  const { groups, index } = indexTouches(touches.map((each, task) => ({ task, touches: each })));
  const groupOf = new Int32Array(touches.length).fill(-1);
  const places = new Map(groups.map((group, place) => [group, place]));
  for (const [place, { tasks }] of groups.entries()) for (const task of tasks) groupOf[task] = place;
  const bound = { left: MOST_COMPARISONS };
  let pairs = 0;
  const overlapping: number[][] = [];
  for (const group of groups) {
    const found = index.overlapping(group.touches, bound);
    pairs += found.size;
    if (bound.left < 0 || pairs > MOST_PAIRS) return null;
    overlapping.push(Array.from(found, (other) => places.get(other)!));
  }
  return { groupOf, overlapping };
}
