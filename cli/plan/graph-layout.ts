/** The measures of a drawn graph, in pixels: of a task's box, of the gaps between boxes, and of the margin. */
export type BoxSize = { width: number; height: number; across: number; down: number; margin: number };

/** Where the boxes of a graph are, by the ids of its tasks, and how large the whole is. */
export type GraphLayout = { at: Map<string, { x: number; y: number }>; width: number; height: number };

/**
 * Lays out a graph with a column for each wave; a wave of more than `mostRows` tasks has several, close to each other.
 */
export function layOutGraph(
  waves: readonly (readonly string[])[],
  box: BoxSize,
  mostRows = Number.POSITIVE_INFINITY,
): GraphLayout {
  const at = new Map<string, { x: number; y: number }>();
  let left = box.margin;
  for (const wave of waves) {
    for (const [index, id] of wave.entries()) {
      const column = Math.floor(index / mostRows);
      const row = index - (column > 0 ? column * mostRows : 0);
      at.set(id, { x: left + column * (box.width + box.down), y: box.margin + row * (box.height + box.down) });
    }
    const columns = Math.max(1, Math.ceil(wave.length / mostRows));
    left += columns * (box.width + box.down) - box.down + box.across;
  }
  const most = Math.min(mostRows, Math.max(1, ...waves.map((wave) => wave.length)));
  return {
    at,
    width: Math.max(left - box.across, box.margin + box.width) + box.margin,
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
