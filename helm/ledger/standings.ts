import { byId, heightsOf } from "../../lib/plan/graph.ts";
import type { Ledger } from "./ledger.ts";

/**
 * Says of each task that is wanted, of the plan and beside it, in what order it is granted: its place in the order of
 * ids, and its height, which is how many tasks the longest chain has that waits for it, itself among them.
 */

/** More than any chain is long: an urgent task, and what it waits for, come before all others. */
const URGENT = 1_000_000;

/**
 * Brings the standings up to date, after tasks or what they wait for have changed. It runs inside one write.
 * @throws OcaptainError CYCLE when tasks wait for each other
 */
export function bringStandings({ store }: Ledger): void {
  const rows = store.all<{ id: string; position: number; height: number }>(
    "SELECT id, position, height FROM tasks WHERE in_plan = 1",
  );
  const blockers = new Map(rows.map(({ id }) => [id, [] as string[]]));
  for (const { task, blocker } of store.all<{ task: string; blocker: string }>("SELECT task, blocker FROM blockers"))
    if (blockers.has(blocker)) blockers.get(task)?.push(blocker);
  const nodes = [...blockers].map(([id, blockedBy]) => ({ id, blockedBy }));
  const heights = heightsOf(nodes);
  const urgent = store.all<{ task: string }>("SELECT task FROM follow_ups WHERE urgent = 1").map(({ task }) => task);
  for (const id of withBlockers(urgent, blockers)) heights.set(id, heights.get(id)! + URGENT);
  const positions = new Map([...heights.keys()].sort(byId).map((id, index) => [id, index]));
  for (const { id, position, height } of rows) {
    const [place, chain] = [positions.get(id)!, heights.get(id)!];
    if (place !== position || chain !== height)
      store.run("UPDATE tasks SET position = ?, height = ? WHERE id = ?", place, chain, id);
  }
}

/** These tasks as far as they are in the graph, and all that they wait for, directly or not. */
function withBlockers(tasks: readonly string[], blockers: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>();
  const open = tasks.filter((id) => blockers.has(id));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...blockers.get(id)!);
  }
  return found;
}
