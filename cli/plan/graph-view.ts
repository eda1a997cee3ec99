import { criticalPath } from "../../lib/plan/critical-path.ts";
import { type Estimates, estimatesOf, timed } from "../../lib/plan/estimates.ts";
import { topologicalOrder } from "../../lib/plan/graph.ts";
import type { PlanTask } from "../../lib/plan/types.ts";
import { graphWidth } from "../../lib/plan/width.ts";
import { type Worthwhile, worthwhile } from "../../lib/plan/worthwhile.ts";

/** A task as the graph shows it. */
export type GraphTask = Pick<PlanTask, "id" | "subject" | "blockedBy"> & {
  /** The number of its wave, from 1: it comes after those of all that block it. */
  wave: number;
  /** How long it is taken to last, in {@link GraphView.unit}. */
  length: number;
  isCritical: boolean;
};

/** A plan's graph, and what it takes, as every picture of it shows them. */
export type GraphView = {
  name: string;
  tasks: GraphTask[];
  waves: GraphTask[][];
  width: number;
  criticalPath: GraphTask[];
  estimates: Estimates;
  /** What lengths are counted in: where nothing is known of how long tasks take, each is a turn. */
  unit: "minutes" | "turns";
  worthwhile: Worthwhile;
};

/**
 * Looks at the graph of a plan's tasks.
 * @param earlierMinutes  What a task of earlier voyages took; undefined where that is not known.
 * @throws OcaptainError CYCLE
 */
export function viewGraph(name: string, tasks: readonly PlanTask[], earlierMinutes?: number): GraphView {
  const estimates = estimatesOf(tasks, earlierMinutes);
  const nodes = timed(tasks, estimates);
  const path = criticalPath(nodes, (id) => estimates.lengths.get(id)!);
  const critical = new Set(path);
  const byTask = new Map<string, GraphTask>();
  const waves: GraphTask[][] = [];
  const known = new Map(tasks.map((task) => [task.id, task]));
  for (const id of topologicalOrder(tasks)) {
    const { subject, blockedBy } = known.get(id)!;
    const wave = 1 + blockedBy.reduce((latest, blocker) => Math.max(latest, byTask.get(blocker)!.wave), 0);
    const task = { id, subject, blockedBy, wave, length: estimates.lengths.get(id)!, isCritical: critical.has(id) };
    byTask.set(id, task);
    if (wave > waves.length) waves.push([]);
    waves[wave - 1]!.push(task);
  }
  return {
    name,
    tasks: waves.flat(),
    waves,
    width: graphWidth(tasks),
    criticalPath: path.map((id) => byTask.get(id)!),
    estimates,
    unit: estimates.others === "equal" ? "turns" : "minutes",
    worthwhile: worthwhile(nodes),
  };
}
