import { OcaptainError } from "../base/errors.ts";

/** A task as the graph sees it. Ids are strings of digits; every id in `blockedBy` is a node's. */
export type Node = { id: string; blockedBy: readonly string[] };

/** Ids are compared as numbers of any length: 2 before 10. */
export const byId = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

/**
 * Ids so that each comes after all that block it, layer by layer: first what nothing blocks, then what only those block … In a layer the smallest id first.
 * CYCLE when there is no such order.
 */
export function topologicalOrder(nodes: readonly Node[]): string[] {
  const { order, left } = peel(nodes);
  if (left.length === 0) return order;
  throw new OcaptainError("CYCLE", `the tasks wait for each other: ${formatCycle(findCycles(nodes)[0] ?? left)}`);
}

/** People mend a few at a time, and each round of search costs a pass over the graph. */
const MOST_CYCLES = 20;

/**
 * Cycles that share no task, until what is left has none (or 20 were found), in the direction of "blocks", smallest id first:
 * `["1","2","3"]` for 1 → 2 → 3 → 1. A task that blocks itself is a cycle of one. Empty for a graph that can be worked off.
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

/** At least one cycle. Each of `stuck` has a blocker in `stuck`: walking to blockers must come to a place where it has been. */
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

/** `1 → 2 → 3 → 1`. */
export const formatCycle = (cycle: readonly string[]): string => [...cycle, cycle[0]].join(" → ");

/** Takes away, again and again, what nothing left blocks. `left` is what waits for a cycle, or is in one. */
function peel(nodes: readonly Node[]): { order: string[]; left: string[] } {
  const waitsFor = new Map(nodes.map((node) => [node.id, new Set(node.blockedBy).size]));
  const blocks = new Map<string, string[]>(nodes.map((node) => [node.id, []]));
  for (const node of nodes) for (const blocker of new Set(node.blockedBy)) blocks.get(blocker)?.push(node.id);

  const order: string[] = [];
  let free = nodes.filter((node) => waitsFor.get(node.id) === 0).map((node) => node.id);
  while (free.length > 0) {
    const next: string[] = [];
    for (const id of free.sort(byId)) {
      order.push(id);
      for (const blocked of blocks.get(id) ?? []) {
        const rest = (waitsFor.get(blocked) ?? 0) - 1;
        waitsFor.set(blocked, rest);
        if (rest === 0) next.push(blocked);
      }
    }
    free = next;
  }
  const done = new Set(order);
  return { order, left: nodes.map((node) => node.id).filter((id) => !done.has(id)) };
}

function smallestFirst(cycle: string[]): string[] {
  const least = [...cycle].sort(byId)[0] ?? "";
  const at = cycle.indexOf(least);
  return [...cycle.slice(at), ...cycle.slice(0, at)];
}
