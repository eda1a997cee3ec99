import { heightsOf, type Node } from "./graph.ts";

/**
 * Finds the longest chain of tasks of which each waits for the one before: however many ships sail, the plan takes as
 * long as these do one after the other. Of chains of one length it is the one whose tasks come first, in the order in
 * which `nodes` has them.
 *
 * @param lengthOf  How long a task takes. Without it each is as long as another.
 * @throws OcaptainError CYCLE when the graph has a cycle
 */
export function criticalPath(nodes: readonly Node[], lengthOf: (id: string) => number = () => 1): string[] {
  const heights = heightsOf(nodes, lengthOf);
  const waiters = new Map<string, string[]>(nodes.map(({ id }) => [id, []]));
  for (const { id, blockedBy } of nodes) for (const blocker of blockedBy) waiters.get(blocker)?.push(id);
  const highest = (ids: readonly string[]) =>
    ids.reduce<string | undefined>(
      (best, id) => (best === undefined || heights.get(id)! > heights.get(best)! ? id : best),
      undefined,
    );
  const path: string[] = [];
  for (let id = highest(nodes.map((node) => node.id)); id !== undefined; id = highest(waiters.get(id) ?? [])) path.push(id);
  return path;
}
