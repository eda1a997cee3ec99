import type { Graph, Layout, Size } from "./shape.ts";

const SWEEPS = 8;
/** How much wider than high the whole is to be, where a layer is so long that it must be broken. */
const ASPECT = 1.8;

/**
 * A plain layout for many nodes: a column for each rank, in which nodes stand near those that they are joined with.
 * A rank with very many nodes takes several columns. It costs milliseconds for thousands of nodes.
 */
export function layerLayout({ nodes, edges }: Graph, size: Size): Layout {
  const blockers = new Map<string, string[]>(nodes.map((id) => [id, []]));
  const waiters = new Map<string, string[]>(nodes.map((id) => [id, []]));
  for (const [from, to] of edges) {
    blockers.get(to)!.push(from);
    waiters.get(from)!.push(to);
  }
  // The nodes come in an order in which blockers stand first.
  const rank = new Map<string, number>();
  for (const id of nodes) rank.set(id, Math.max(-1, ...blockers.get(id)!.map((blocker) => rank.get(blocker) ?? -1)) + 1);
  const ranks: string[][] = [];
  for (const id of nodes) {
    ranks[rank.get(id)!] ??= [];
    ranks[rank.get(id)!]!.push(id);
  }
  arrange(ranks, blockers, waiters);

  const [stepX, stepY] = [size.width + size.gapX, size.height + size.gapY];
  const most = Math.max(12, Math.round(Math.sqrt((nodes.length * stepX * stepY) / ASPECT) / stepY));
  const at = new Map<string, [number, number]>();
  const tallest = Math.min(most, Math.max(...ranks.map((row) => row.length)));
  let x = 0;
  for (const row of ranks) {
    const columns = Math.ceil(row.length / most);
    const rows = Math.ceil(row.length / columns);
    const top = ((tallest - rows) * stepY) / 2;
    for (const [index, id] of row.entries())
      at.set(id, [x + Math.floor(index / rows) * (size.width + size.gapY * 2), top + (index % rows) * stepY]);
    x += stepX + (columns - 1) * (size.width + size.gapY * 2);
  }
  const place = (id: string) => at.get(id)!;
  return {
    at,
    width: Math.max(size.width, x - size.gapX),
    height: tallest * stepY - size.gapY,
    paths: edges.map(([from, to]) => {
      const [fromX, fromY] = [place(from)[0] + size.width, place(from)[1] + size.height / 2];
      const [toX, toY] = [place(to)[0], place(to)[1] + size.height / 2];
      const bend = Math.max(16, (toX - fromX) / 2);
      return { from, to, d: `M${fromX} ${fromY}C${fromX + bend} ${fromY} ${toX - bend} ${toY} ${toX} ${toY}` };
    }),
  };
}

/** Orders each rank by where its neighbours stand, forwards and backwards in turn. */
function arrange(ranks: string[][], blockers: Map<string, string[]>, waiters: Map<string, string[]>): void {
  const place = new Map<string, number>();
  const note = (row: string[]) => {
    for (const [index, id] of row.entries()) place.set(id, (index + 0.5) / row.length);
  };
  ranks.forEach(note);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForward = sweep % 2 === 0;
    const neighbours = isForward ? blockers : waiters;
    const order = isForward ? ranks : [...ranks].reverse();
    for (const row of order) {
      const pull = new Map(
        row.map((id) => {
          const near = neighbours.get(id)!;
          return [id, near.length === 0 ? place.get(id)! : near.reduce((sum, one) => sum + place.get(one)!, 0) / near.length];
        }),
      );
      row.sort((a, b) => pull.get(a)! - pull.get(b)!);
      note(row);
    }
  }
}
