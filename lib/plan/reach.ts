import { type Node, topologicalOrder } from "./graph.ts";

/** Who waits for whom, directly or not. Tasks are named by their places in `order`, where each follows its blockers. */
export type Reach = {
  order: readonly string[];
  /** The place of each task, by its id. */
  places: ReadonlyMap<string, number>;
  /** Bit sets: row i holds the tasks that wait for task i. */
  rows: readonly Uint32Array[];
};

/**
 * Computes who waits for whom. It takes a step for each edge and each 32 tasks.
 *
 * @throws OcaptainError CYCLE when the graph has a cycle
 */
export function reachOf(nodes: readonly Node[]): Reach {
  const order = topologicalOrder(nodes);
  const places = new Map(order.map((id, i) => [id, i]));
  const words = Math.ceil(order.length / 32);
  const rows = order.map(() => new Uint32Array(words));
  const blockers = new Map(nodes.map((node) => [node.id, node.blockedBy]));
  // The loop goes from the last to the first, so that a task's row is whole before it is added to its blockers' rows.
  for (let i = order.length - 1; i >= 0; i--) {
    const row = rows[i]!;
    for (const blocker of blockers.get(order[i]!) ?? []) {
      const target = rows[places.get(blocker)!]!;
      for (let w = 0; w < words; w++) target[w]! |= row[w]!;
      target[i >>> 5]! |= 1 << (i & 31);
    }
  }
  return { order, places, rows };
}

/** Tells whether two tasks, by their places, may run at one time: neither waits for the other. */
export const mayRunAtOnce = ({ rows }: Reach, a: number, b: number): boolean => a !== b && !has(rows[a]!, b) && !has(rows[b]!, a);

const has = (row: Uint32Array, place: number) => (row[place >>> 5]! & (1 << (place & 31))) !== 0;
