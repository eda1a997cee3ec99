import { Graph as DagreGraph, layout as dagre } from "@dagrejs/dagre";
import { layerLayout } from "./layers.ts";
import type { Graph, Layout, Size } from "./shape.ts";

/** Up to so many nodes dagre's careful layout takes no longer than a person waits; above, it takes seconds. */
const CAREFUL = 160;

export const sizeFor = (count: number): Size =>
  count <= CAREFUL ? { width: 168, height: 46, gapX: 34, gapY: 14 } : { width: 148, height: 40, gapX: 60, gapY: 8 };

export function layOut(graph: Graph): Layout {
  const size = sizeFor(graph.nodes.length);
  if (graph.nodes.length === 0) return { at: new Map(), width: 0, height: 0, paths: [] };
  return graph.nodes.length <= CAREFUL && graph.edges.length > 0 ? carefulLayout(graph, size) : layerLayout(graph, size);
}

function carefulLayout({ nodes, edges }: Graph, { width, height, gapX, gapY }: Size): Layout {
  const graph = new DagreGraph();
  graph.setGraph({ rankdir: "LR", nodesep: gapY, ranksep: gapX, edgesep: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of nodes) graph.setNode(id, { width, height });
  for (const [from, to] of edges) graph.setEdge(from, to);
  dagre(graph);
  const { width: all = 0, height: tall = 0 } = graph.graph() as { width?: number; height?: number };
  const corner = (id: string): [number, number] => {
    const { x, y } = graph.node(id) as { x: number; y: number };
    return [x - width / 2, y - height / 2];
  };
  return {
    at: new Map(nodes.map((id) => [id, corner(id)])),
    width: all,
    height: tall,
    paths: edges.map(([from, to]) => ({ from, to, d: smooth((graph.edge(from, to) as { points: Point[] }).points) })),
  };
}

type Point = { x: number; y: number };

/** A smooth line through the points, which leaves and arrives level. */
function smooth(points: readonly Point[]): string {
  const [first, ...rest] = points;
  let d = `M${first!.x} ${first!.y}`;
  let last = first!;
  for (const point of rest) {
    const bend = (point.x - last.x) / 2;
    d += `C${last.x + bend} ${last.y} ${point.x - bend} ${point.y} ${point.x} ${point.y}`;
    last = point;
  }
  return d;
}
