import type { TimedNode } from "./schedule.ts";
import { effectiveTouches } from "./touches.ts";
import type { PlanTask } from "./types.ts";

/** How long tasks are taken to last, and from where that is known. */
export type Estimates = {
  /** For each task its length, in minutes; where nothing is known of any, 1 for each. */
  lengths: ReadonlyMap<string, number>;
  /** `plan`: all from the plan; `some`: some from the plan, the rest as `others` says; `none`: from elsewhere alone. */
  estimated: "plan" | "some" | "none";
  /**
   * The length of the tasks that the plan has no estimate of: `earlier`, what tasks of earlier voyages took; `median`,
   * that of those which it has one of; `equal`, nothing is known of any task.
   */
  others: "earlier" | "median" | "equal";
};

/**
 * Estimates how long each task takes: by its own `estimateMinutes`, else as tasks of earlier voyages did, else as those
 * of this plan that have an estimate, else all alike.
 *
 * @param earlierMinutes  What a task of this captain's earlier voyages took; undefined where that is not known.
 */
export function estimatesOf(tasks: readonly PlanTask[], earlierMinutes?: number): Estimates {
  const own = new Map<string, number>();
  for (const { id, metadata } of tasks)
    if (typeof metadata.estimateMinutes === "number" && metadata.estimateMinutes > 0) own.set(id, metadata.estimateMinutes);
  const others = earlierMinutes !== undefined ? "earlier" : own.size > 0 ? "median" : "equal";
  const usual = earlierMinutes ?? medianOf([...own.values()]) ?? 1;
  return {
    lengths: new Map(tasks.map(({ id }) => [id, own.get(id) ?? usual])),
    estimated: own.size === 0 ? "none" : own.size === tasks.length ? "plan" : "some",
    others,
  };
}

/** The tasks as the simulation takes them. */
export const timed = (tasks: readonly PlanTask[], { lengths }: Estimates): TimedNode[] =>
  tasks.map((task) => ({
    ...{ id: task.id, blockedBy: task.blockedBy, length: lengths.get(task.id)! },
    touches: effectiveTouches(task),
  }));

/** The middle of the values: the mean of two for an even count, undefined for none. */
export function medianOf(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : sorted.length === 0 ? undefined : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
