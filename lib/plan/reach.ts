import { type Node, topologicalOrder } from "./graph.ts";

/** Who waits for whom, directly or not. Tasks are named by their places in `order`, where each follows its blockers. */
export type Reach = {
  order: readonly string[];
  /** The place of each task, by its id. */
  places: ReadonlyMap<string, number>;
  /** Bit sets, one behind the other, of `words` words each: that of task i holds the tasks that wait for it. */
  bits: Uint32Array;
  words: number;
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
  const bits = new Uint32Array(order.length * words);
  const blockers = new Map(nodes.map((node) => [node.id, node.blockedBy]));
  // The loop goes from the last to the first, so that a task's set is whole before it is added to its blockers' sets.
  for (let i = order.length - 1; i >= 0; i--) {
    const from = i * words;
    for (const blocker of blockers.get(order[i]!) ?? []) {
      const to = places.get(blocker)! * words;
      // Whoever waits for a task comes after it, and so do the words that say so.
      for (let w = i >>> 5; w < words; w++) bits[to + w]! |= bits[from + w]!;
      bits[to + (i >>> 5)]! |= 1 << (i & 31);
    }
  }
  return { order, places, bits, words };
}

/** Tells whether two tasks, by their places, may run at one time: neither waits for the other. */
export const mayRunAtOnce = (reach: Reach, a: number, b: number): boolean =>
  a !== b && !waits(reach, a, b) && !waits(reach, b, a);

const waits = ({ bits, words }: Reach, blocker: number, place: number) =>
  (bits[blocker * words + (place >>> 5)]! & (1 << (place & 31))) !== 0;
