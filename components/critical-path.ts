import { type Node, topologicalOrder } from "../lib/plan/graph.ts";

/**
 * Finds the longest chain of tasks of which each waits for the one before: however many ships sail, the plan takes as
 * long as these do one after the other. Of chains of one length it is the one whose last tasks come first in the order.
 *
 * @throws OcaptainError CYCLE when the graph has a cycle
 */
export function criticalPath(nodes: readonly Node[]): string[] {
  const blockers = new Map(nodes.map((node) => [node.id, node.blockedBy]));
  /** For each task, the length of the longest chain that ends with it, and the task before it there. */
  const chains = new Map<string, { length: number; before: string | undefined }>();
  let last: string | undefined;
  for (const id of topologicalOrder(nodes)) {
    let before: string | undefined;
    for (const blocker of blockers.get(id) ?? []) if (lengthOf(blocker) > lengthOf(before)) before = blocker;
    chains.set(id, { length: lengthOf(before) + 1, before });
    if (lengthOf(id) > lengthOf(last)) last = id;
  }
  const path: string[] = [];
  for (let id = last; id !== undefined; id = chains.get(id)?.before) path.unshift(id);
  return path;

  function lengthOf(id: string | undefined): number {
    return id === undefined ? 0 : (chains.get(id)?.length ?? 0);
  }
}
