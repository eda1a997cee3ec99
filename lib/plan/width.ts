import { type Node, topologicalOrder } from "./graph.ts";

/**
 * The most tasks that can run at one time: the largest set of which none waits, directly or not, for another.
 * Exact, by Dilworth's theorem: it equals the fewest chains that hold every task, which is the number of tasks minus a greatest
 * matching between tasks and tasks that wait for them. More ships than this are idle at every moment.
 * CYCLE when the graph has one. 0 without tasks. 5,000 tasks take well under a second.
 */
export function graphWidth(nodes: readonly Node[]): number {
  const order = topologicalOrder(nodes);
  return order.length - greatestMatching(closure(nodes, order));
}

/** Bit sets, 32 to a word: row i holds the tasks that wait for task i of the order, directly or not. */
function closure(nodes: readonly Node[], order: readonly string[]): Uint32Array[] {
  const index = new Map(order.map((id, i) => [id, i]));
  const words = Math.ceil(order.length / 32);
  const rows = order.map(() => new Uint32Array(words));
  const blockers = new Map(nodes.map((node) => [node.id, node.blockedBy]));
  // From the last to the first: a task's row is whole before it is added to its blockers' rows.
  for (let i = order.length - 1; i >= 0; i--) {
    const row = rows[i]!;
    for (const blocker of blockers.get(order[i]!) ?? []) {
      const target = rows[index.get(blocker)!]!;
      for (let w = 0; w < words; w++) target[w]! |= row[w]!;
      target[i >>> 5]! |= 1 << (i & 31);
    }
  }
  return rows;
}

/**
 * Kuhn's method in rounds: each round tries every unmatched left side once over what this round has not looked at, until a round
 * gains nothing. The bit set of what is not looked at makes a round cost n²/32 at most.
 */
function greatestMatching(rows: readonly Uint32Array[]): number {
  const size = rows.length;
  const words = rows[0]?.length ?? 0;
  const partner = new Int32Array(size).fill(-1); // of a right side
  const matched = new Uint8Array(size); // left sides
  const fresh = new Uint32Array(words);

  function augment(left: number): boolean {
    const row = rows[left]!;
    for (let w = 0; w < words; w++) {
      for (let bits = row[w]! & fresh[w]!; bits !== 0; bits = row[w]! & fresh[w]!) {
        const bit = 31 - Math.clz32(bits & -bits);
        const right = w * 32 + bit;
        fresh[w]! &= ~(1 << bit);
        const holder = partner[right]!;
        if (holder >= 0 && !augment(holder)) continue;
        partner[right] = left;
        return true;
      }
    }
    return false;
  }

  let total = 0;
  for (let gained = -1; gained !== 0; total += gained) {
    gained = 0;
    fresh.fill(0xffffffff);
    for (let left = 0; left < size; left++) {
      if (matched[left] || !augment(left)) continue;
      matched[left] = 1;
      gained++;
    }
  }
  return total;
}
