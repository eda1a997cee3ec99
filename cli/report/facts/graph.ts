import { criticalPath } from "../../../lib/plan/critical-path.ts";
import { type Node, topologicalOrder } from "../../../lib/plan/graph.ts";
import type { GraphFacts } from "./facts.ts";

/**
 * The graph of the tasks: its waves, and its critical path by how long tasks took; by the number of tasks where that is
 * not known of each.
 *
 * @param secondsOf  how long a task took; null where that is not known
 */
export function graphOf(nodes: readonly Node[], secondsOf: (id: string) => number | null): GraphFacts {
  const known = new Set(nodes.map(({ id }) => id));
  const sound = nodes.map(({ id, blockedBy }) => ({ id, blockedBy: blockedBy.filter((blocker) => known.has(blocker)) }));
  const isTimed = nodes.length > 0 && nodes.every(({ id }) => secondsOf(id) !== null);
  const by = isTimed ? "seconds" : "tasks";
  try {
    const path = criticalPath(sound, isTimed ? (id) => secondsOf(id)! : undefined);
    const times = path.map(secondsOf);
    const criticalSeconds = times.some((time) => time === null) ? null : times.reduce<number>((all, time) => all + time!, 0);
    return { criticalPath: path, criticalSeconds, by, waves: wavesOf(sound) };
  } catch {
    // A ledger that something else has written may hold tasks that wait for each other.
    return { criticalPath: [], criticalSeconds: null, by, waves: [] };
  }
}

function wavesOf(nodes: readonly Node[]): string[][] {
  const blockers = new Map(nodes.map(({ id, blockedBy }) => [id, blockedBy]));
  const waveOf = new Map<string, number>();
  const waves: string[][] = [];
  for (const id of topologicalOrder(nodes)) {
    const wave = blockers.get(id)!.reduce((latest, blocker) => Math.max(latest, waveOf.get(blocker)! + 1), 0);
    waveOf.set(id, wave);
    if (wave >= waves.length) waves.push([]);
    waves[wave]!.push(id);
  }
  return waves;
}
