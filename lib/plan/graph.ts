import { OcaptainError } from "../base/errors.ts";

/** A task as the graph sees it. Its id is a string of digits, and every id in `blockedBy` is that of another node. */
export type Node = { id: string; blockedBy: readonly string[] };

/** Compares ids as numbers of any length, so that 2 comes before 10. */
export const byId = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

/**
 * Orders the tasks' ids so that each comes after all that block it: first the tasks that nothing blocks, then those
 * that only these block, and so on. Tasks that become free at the same step are ordered by id.
 *
 * @throws OcaptainError CYCLE when there is no such order
 */
export function topologicalOrder(nodes: readonly Node[]): string[] {
  const { order, left } = peel(nodes);
  if (left.length === 0) return order;
  throw new OcaptainError("CYCLE", `the tasks wait for each other: ${formatCycle(findCycles(nodes)[0] ?? left)}`);
}

/**
 * Computes the height of each task: the length of the longest chain that waits for it, itself among it, in tasks or in
 * what `lengthOf` says of each. The helm grants the highest free task first, as most hangs on it.
 *
 * @throws OcaptainError CYCLE when the graph has a cycle
 */
export function heightsOf(nodes: readonly Node[], lengthOf: (id: string) => number = () => 1): Map<string, number> {
  const heights = new Map(nodes.map(({ id }) => [id, lengthOf(id)]));
  const blockers = new Map(nodes.map((node) => [node.id, node.blockedBy]));
  for (const id of topologicalOrder(nodes).reverse())
    for (const blocker of blockers.get(id) ?? [])
      heights.set(blocker, Math.max(heights.get(blocker)!, heights.get(id)! + lengthOf(blocker)));
  return heights;
}

/** People mend a few cycles at a time, and each round of the search costs a pass over the graph. */
const MOST_CYCLES = 20;

/**
 * Finds cycles that share no task, until none is left or 20 were found. Each is written in the direction of "blocks"
 * and begins with its smallest id: `["1","2","3"]` stands for 1 → 2 → 3 → 1. A task that blocks itself is a cycle of
 * one. The list is empty for a graph that can be worked off.
 */
export function findCycles(nodes: readonly Node[]): string[][] {
  const cycles: string[][] = [];
  let rest = nodes;
  while (cycles.length < MOST_CYCLES) {
    const stuck = without(rest, new Set(peel(rest).order));
    if (stuck.length === 0) break;
    const found = cyclesByWalking(stuck);
    cycles.push(...found);
    rest = without(stuck, new Set(found.flat()));
  }
  return cycles.slice(0, MOST_CYCLES);
}

/**
 * Finds at least one cycle among tasks of which each has a blocker among them. A walk from blocker to blocker cannot
 * end there, and so must come to a task where it has been.
 */
function cyclesByWalking(stuck: readonly Node[]): string[][] {
  const blockers = new Map(stuck.map((node) => [node.id, node.blockedBy]));
  const cycles: string[][] = [];
  const seen = new Set<string>();
  for (const start of [...blockers.keys()].sort(byId)) {
    const walk: string[] = [];
    let id: string | undefined = start;
    while (id !== undefined && !seen.has(id)) {
      seen.add(id);
      walk.push(id);
      id = blockers.get(id)?.[0];
    }
    const from = id === undefined ? -1 : walk.indexOf(id);
    if (from >= 0) cycles.push(smallestFirst(walk.slice(from).reverse()));
  }
  return cycles;
}

function without(nodes: readonly Node[], gone: ReadonlySet<string>): Node[] {
  return nodes
    .filter((node) => !gone.has(node.id))
    .map((node) => ({ id: node.id, blockedBy: node.blockedBy.filter((id) => !gone.has(id)) }));
}

/** Writes a cycle for people: `1 → 2 → 3 → 1`. */
export const formatCycle = (cycle: readonly string[]): string => [...cycle, cycle[0]].join(" → ");

/**
 * Takes away, again and again, the tasks that no remaining task blocks. `order` has them in that sequence; `left` has
 * the tasks that are in a cycle or wait for one.
 */
function peel(nodes: readonly Node[]): { order: string[]; left: string[] } {
  // Tasks are numbers here, in the order of their ids: with thousands of them, texts would take most of the time.
  const sorted = [...nodes].sort((a, b) => byId(a.id, b.id));
  const places = new Map(sorted.map(({ id }, place) => [id, place]));
  const waitsFor = Uint32Array.from(sorted, ({ blockedBy }) => blockedBy.length);
  const waiters = sorted.map((): number[] => []);
  for (const [place, { blockedBy }] of sorted.entries())
    for (const blocker of blockedBy) {
      const at = places.get(blocker);
      if (at !== undefined) waiters[at]!.push(place);
    }

  const order: string[] = [];
  let free = [...waitsFor.keys()].filter((place) => waitsFor[place] === 0);
  while (free.length > 0) {
    const next: number[] = [];
    for (const place of free.sort((a, b) => a - b)) {
      order.push(sorted[place]!.id);
      for (const waiter of waiters[place]!) if (--waitsFor[waiter]! === 0) next.push(waiter);
    }
    free = next;
  }
  if (order.length === nodes.length) return { order, left: [] };
  const done = new Set(order);
  return { order, left: nodes.map((node) => node.id).filter((id) => !done.has(id)) };
}

function smallestFirst(cycle: string[]): string[] {
  const least = [...cycle].sort(byId)[0] ?? "";
  const at = cycle.indexOf(least);
  return [...cycle.slice(at), ...cycle.slice(0, at)];
}
