import type { Node } from "./graph.ts";
import { type Reach, reachOf } from "./reach.ts";

/**
 * Computes the most tasks that can run at one time: the size of the largest set of which none waits, directly or not,
 * for another. More ships than this are never busy at once. It is 0 without tasks.
 *
 * The result is exact by Dilworth's theorem: it equals the fewest chains that hold every task, which is the number of
 * tasks minus a greatest matching between tasks and tasks that wait for them. 10,000 tasks take well under a second.
 *
 * @param reach  that of the nodes, where it is known already
 * @throws OcaptainError CYCLE when the graph has a cycle
 */
export const graphWidth = (nodes: readonly Node[], reach = reachOf(nodes)): number => nodes.length - greatestMatching(reach);

/**
 * Computes the size of a greatest matching by Kuhn's method, in rounds. Each round tries every unmatched left side
 * once, over the right sides that this round has not looked at yet. The rounds end when one gains nothing. As those
 * right sides are a bit set, a round costs n²/32 steps at most.
 */
function greatestMatching({ order: { length: size }, bits: rows, words }: Reach): number {
  /** The left side with which each right side is matched, or -1. */
  const partner = new Int32Array(size).fill(-1);
  /** 1 for each left side that is matched. */
  const matched = new Uint8Array(size);
  const fresh = new Uint32Array(words);

  /**
   * Finds a way from an unmatched left side to an unmatched right one, and matches along it. The way is kept here and
   * not in calls, as it may be as long as there are tasks.
   */
  function augment(start: number): boolean {
    const way: { left: number; word: number; right: number }[] = [{ left: start, word: 0, right: -1 }];
    for (let at = way.at(-1); at !== undefined; at = way.at(-1)) {
      const row = at.left * words;
      while (at.word < words && (rows[row + at.word]! & fresh[at.word]!) === 0) at.word++;
      if (at.word === words) {
        way.pop();
        continue;
      }
      const bits = rows[row + at.word]! & fresh[at.word]!;
      const bit = 31 - Math.clz32(bits & -bits);
      fresh[at.word]! &= ~(1 << bit);
      at.right = at.word * 32 + bit;
      const holder = partner[at.right]!;
      if (holder >= 0) {
        way.push({ left: holder, word: 0, right: -1 });
        continue;
      }
      for (const { left, right } of way) partner[right] = left;
      return true;
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
