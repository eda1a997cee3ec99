import { contentionOf } from "./contention.ts";
import { FreeTasks } from "./free-tasks.ts";
import { byId, heightsOf, type Node } from "./graph.ts";
import { Heap } from "./heap.ts";

/** A task as the simulation knows it. */
export type TimedNode = Node & {
  /** How long it takes, in any unit, above 0. */
  length: number;
  /** What it writes, as globs; none where that is not told. */
  touches?: readonly string[];
};

/** A task's turn in a simulated voyage, in the unit of the lengths. */
export type Turn = { id: string; ship: number; start: number; end: number };

/**
 * Simulates how ships work a plan off: a ship that has nothing to do is granted the free task on which the longest
 * chain of tasks waits, and of those the one with the smallest id; a task that overlaps with one at work only when no
 * other is free: as the helm grants them (helm/voyage/overlaps.ts). Returns the turns in the order of the grants.
 * Nothing fails, no commit is in conflict, and nobody idles longer than the graph demands, so a real voyage takes
 * longer.
 *
 * More ships may make the whole longer, as in any list scheduling, but it stays below twice the shortest time that is
 * possible (Graham's bound).
 *
 * @throws OcaptainError CYCLE when the graph has a cycle
 */
export function simulate(nodes: readonly TimedNode[], ships: number): Turn[] {
  return simulator(nodes).run(ships);
}

/** The end of the last turn. */
export const makespanOf = (turns: readonly Turn[]): number => turns.reduce((last, { end }) => Math.max(last, end), 0);

/**
 * Prepares the simulation of one plan, to be run with several numbers of ships. `followsTouches` is false where the
 * tasks touch so much that it is left out.
 */
export function simulator(nodes: readonly TimedNode[]): { run: (ships: number) => Turn[]; followsTouches: boolean } {
  const heights = heightsOf(nodes);
  const ranked = [...nodes].sort((a, b) => heights.get(b.id)! - heights.get(a.id)! || byId(a.id, b.id));
  const rankOf = new Map(ranked.map(({ id }, rank) => [id, rank]));
  const blockers = ranked.map(({ blockedBy }) => new Set(blockedBy).size);
  const waiters = ranked.map((): number[] => []);
  for (const [rank, { blockedBy }] of ranked.entries())
    for (const blocker of new Set(blockedBy)) waiters[rankOf.get(blocker)!]!.push(rank);

  const contention = contentionOf(ranked.map(({ touches = [] }) => touches));
  const run = (ships: number) => {
    const left = [...blockers];
    const free = new FreeTasks(contention ?? contentionOf(ranked.map(() => []))!);
    for (const [rank, count] of left.entries()) if (count === 0) free.add(rank);
    const idle = new Heap<number>((a, b) => a - b);
    for (let ship = 0; ship < Math.min(ships, ranked.length); ship++) idle.push(ship);
    const atWork = new Heap<{ rank: number; turn: Turn }>((a, b) => a.turn.end - b.turn.end || a.rank - b.rank);
    const turns: Turn[] = [];
    for (let now = 0; ; ) {
      while (idle.size > 0) {
        const rank = free.take();
        if (rank === undefined) break;
        const { id, length } = ranked[rank]!;
        const turn = { id, ship: idle.pop()!, start: now, end: now + length };
        turns.push(turn);
        atWork.push({ rank, turn });
      }
      const first = atWork.pop();
      if (!first) return turns;
      // All that end at one time are taken before anything is granted, so that the order of equals counts for nothing.
      now = first.turn.end;
      for (
        let ended: typeof first | undefined = first;
        ended;
        ended = atWork.peek()?.turn.end === now ? atWork.pop() : undefined
      ) {
        idle.push(ended.turn.ship);
        free.end(ended.rank);
        for (const waiter of waiters[ended.rank]!) if (--left[waiter]! === 0) free.add(waiter);
      }
    }
  };
  return { run, followsTouches: contention !== null };
}
