/** The measures of a drawn graph, in pixels: of a task's box, of the gaps between boxes, and of the margin. */
export type BoxSize = { width: number; height: number; across: number; down: number; margin: number };

/** Where the boxes of a graph are, by the ids of its tasks, and how large the whole is. */
export type GraphLayout = { at: Map<string, { x: number; y: number }>; width: number; height: number };

/** Lays out a graph with a column for each wave. */
export function layOutGraph(waves: readonly (readonly string[])[], box: BoxSize): GraphLayout {
  const at = new Map<string, { x: number; y: number }>();
  for (const [column, wave] of waves.entries())
    for (const [row, id] of wave.entries())
      at.set(id, { x: box.margin + column * (box.width + box.across), y: box.margin + row * (box.height + box.down) });
  const most = Math.max(1, ...waves.map((wave) => wave.length));
  return {
    at,
    width: box.margin * 2 + Math.max(1, waves.length) * (box.width + box.across) - box.across,
    height: box.margin * 2 + most * (box.height + box.down) - box.down,
  };
}

/** The path of the edge between two boxes, from the right side of one to the left side of the other. */
export function edgePath({ at }: GraphLayout, box: BoxSize, from: string, to: string): string {
  const [a, b] = [at.get(from)!, at.get(to)!];
  const [x1, y1, x2, y2] = [a.x + box.width, a.y + box.height / 2, b.x, b.y + box.height / 2];
  const bend = box.across / 2;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
