import type { TaskRow } from "../state/model.ts";

/** What is laid out: tasks, and at most one node that stands for the tasks that are done and folded away. */
export type Graph = {
  nodes: string[];
  /** From the blocker to the one that waits for it. */
  edges: [from: string, to: string][];
  /** How many tasks the folded node stands for. */
  folded: number;
  /** How many tasks are hidden behind a collapsed one, by its id. */
  hidden: Map<string, number>;
};

/** A node's size, and the room between nodes, in pixels. */
export type Size = { width: number; height: number; gapX: number; gapY: number };
/** Where each node's left upper corner is, and the path of each edge. */
export type Layout = {
  at: Map<string, [x: number, y: number]>;
  width: number;
  height: number;
  paths: { from: string; to: string; d: string }[];
};

/** The node that stands for what is folded away. No task has such an id. */
export const FOLD = "done";

export type Wish = {
  /** Whether accepted tasks are folded, but for those that something still waits for. */
  foldsDone: boolean;
  /** Tasks behind which what waits for them alone is hidden. */
  collapsed: ReadonlySet<string>;
  /** The task whose blockers and waiters alone are shown, near and far; null for all tasks. */
  only: string | null;
};

type Node = Pick<TaskRow, "id" | "status" | "blockedBy">;

/** Who waits for each task. */
export function waitersOf(rows: readonly Pick<Node, "id" | "blockedBy">[]): Map<string, string[]> {
  const waiters = new Map<string, string[]>(rows.map(({ id }) => [id, []]));
  for (const { id, blockedBy } of rows) for (const blocker of blockedBy) waiters.get(blocker)?.push(id);
  return waiters;
}

/** All that is reached from a task, itself not. */
export function reached(from: string, next: (id: string) => readonly string[]): Set<string> {
  const found = new Set<string>();
  const todo = [from];
  for (let id = todo.pop(); id !== undefined; id = todo.pop())
    for (const other of next(id))
      if (!found.has(other)) {
        found.add(other);
        todo.push(other);
      }
  return found;
}

/** The tasks in an order in which each stands after those that it waits for. A cycle, which no plan has, comes last. */
export function inOrder<Row extends Pick<Node, "id" | "blockedBy">>(rows: readonly Row[]): Row[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const waiters = waitersOf(rows);
  const open = new Map(rows.map(({ id, blockedBy }) => [id, blockedBy.filter((blocker) => byId.has(blocker)).length]));
  const order = rows.filter(({ id }) => open.get(id) === 0);
  for (const { id } of order)
    for (const waiter of waiters.get(id) ?? []) {
      open.set(waiter, open.get(waiter)! - 1);
      if (open.get(waiter) === 0) order.push(byId.get(waiter)!);
    }
  const placed = new Set(order.map(({ id }) => id));
  return [...order, ...rows.filter(({ id }) => !placed.has(id))];
}

/** The graph as it is wished for: folded, collapsed, or one task's part of it. */
export function shapeGraph(rows: readonly Node[], wish: Wish): Graph {
  const waiters = waitersOf(rows);
  const byId = new Map(rows.map((row) => [row.id, row]));
  let shown = inOrder(rows);
  if (wish.only !== null && byId.has(wish.only)) {
    const kept = reached(wish.only, (id) => byId.get(id)?.blockedBy ?? []);
    for (const id of reached(wish.only, (of) => waiters.get(of) ?? [])) kept.add(id);
    shown = shown.filter(({ id }) => id === wish.only || kept.has(id));
  }
  const hidden = new Map<string, number>();
  const behind = new Map<string, string>();
  for (const { id, blockedBy } of shown) {
    const known = blockedBy.filter((blocker) => byId.has(blocker));
    const owners = new Set(known.map((blocker) => behind.get(blocker) ?? (wish.collapsed.has(blocker) ? blocker : null)));
    const [owner] = owners;
    // It hides behind a collapsed task only where it waits for nothing that is seen.
    if (owners.size === 1 && owner) {
      behind.set(id, owner);
      hidden.set(owner, (hidden.get(owner) ?? 0) + 1);
    }
  }
  shown = shown.filter(({ id }) => !behind.has(id));
  const isDone = (id: string) => byId.get(id)?.status === "accepted" || byId.get(id)?.status === "cancelled";
  const folded = new Set(
    wish.foldsDone ? shown.filter(({ id }) => isDone(id) && (waiters.get(id) ?? []).every(isDone)).map(({ id }) => id) : [],
  );
  // One folded task says no more than the task itself.
  if (folded.size < 2) folded.clear();
  const nodes = [...(folded.size > 0 ? [FOLD] : []), ...shown.filter(({ id }) => !folded.has(id)).map(({ id }) => id)];
  const there = new Set(nodes);
  const edges: Graph["edges"] = [];
  for (const { id, blockedBy } of shown) {
    if (!there.has(id)) continue;
    for (const blocker of blockedBy) if (there.has(blocker)) edges.push([blocker, id]);
    if (blockedBy.some((blocker) => folded.has(blocker))) edges.push([FOLD, id]);
  }
  return { nodes, edges, folded: folded.size, hidden };
}

/**
 * The longest chain of tasks that are not done, of which each waits for the one before: no number of ships does the
 * rest of the plan in fewer steps.
 */
export function criticalRest(rows: readonly Node[]): string[] {
  const isOpen = ({ status }: Node) => status !== "accepted" && status !== "cancelled";
  const open = inOrder(rows).filter(isOpen);
  const length = new Map<string, number>();
  const before = new Map<string, string>();
  let last: string | undefined;
  for (const { id, blockedBy } of open) {
    for (const blocker of blockedBy)
      if ((length.get(blocker) ?? 0) + 1 > (length.get(id) ?? 1)) {
        length.set(id, length.get(blocker)! + 1);
        before.set(id, blocker);
      }
    if (!length.has(id)) length.set(id, 1);
    if (last === undefined || length.get(id)! > length.get(last)!) last = id;
  }
  const path: string[] = [];
  for (let id = last; id !== undefined; id = before.get(id)) path.unshift(id);
  return path;
}
