import { plain } from "../../lib/base/text.ts";
import { edgePath, layOutGraph } from "./graph-layout.ts";
import type { GraphTask, GraphView } from "./graph-view.ts";

// A plan's graph in the languages of other programs. Subjects are a plan's own words: in each language they are quoted
// so that nothing in them is read as a part of it.

const MOST = 60;
const label = ({ id, subject }: GraphTask) => `#${id} ${plain(subject, { most: MOST })}`;
const edges = ({ tasks }: GraphView) => tasks.flatMap(({ id, blockedBy }) => blockedBy.map((from) => [from, id] as const));

/** Draws the graph for Mermaid, which GitHub shows in Markdown. The critical path has thick borders. */
export function asMermaid(view: GraphView): string {
  const quoted = (text: string) => text.replace(/[^\p{L}\p{N} ]/gu, (found) => `#${found.codePointAt(0)};`);
  const critical = view.criticalPath.map(({ id }) => `t${id}`).join(",");
  return [
    "flowchart LR",
    ...view.tasks.map((task) => `  t${task.id}["${quoted(label(task))}"]`),
    ...edges(view).map(([from, to]) => `  t${from} --> t${to}`),
    "  classDef critical stroke-width:3px",
    ...(critical ? [`  class ${critical} critical`] : []),
  ].join("\n");
}

/** Draws the graph for Graphviz: `ocaptain plan show ./plan --dot | dot -Tpng > plan.png`. */
export function asDot(view: GraphView): string {
  const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
  return [
    `digraph ${quoted(plain(view.name))} {`,
    "  rankdir=LR; node [shape=box, style=rounded];",
    ...view.tasks.map((task) => `  ${quoted(task.id)} [label=${quoted(label(task))}${task.isCritical ? ", penwidth=3" : ""}];`),
    ...edges(view).map(([from, to]) => `  ${quoted(from)} -> ${quoted(to)};`),
    "}",
  ].join("\n");
}

const BOX = { width: 220, height: 34, across: 70, down: 14, margin: 16 };
/** The characters of a subject that fit into a box. */
const FITS = 32;

/** Draws the graph as a picture of its own: a column for each wave, the critical path in red. */
export function asSvg({ name, tasks, waves }: GraphView): string {
  const layout = layOutGraph(
    waves.map((wave) => wave.map(({ id }) => id)),
    BOX,
  );
  const critical = new Set(tasks.filter(({ isCritical }) => isCritical).map(({ id }) => id));
  const lines = tasks.flatMap(({ id, blockedBy }) =>
    blockedBy.map((from) => {
      const isCritical = critical.has(from) && critical.has(id);
      return `<path class="${isCritical ? "edge critical" : "edge"}" d="${edgePath(layout, BOX, from, id)}"/>`;
    }),
  );
  const boxes = tasks.map((task) => {
    const { x, y } = layout.at.get(task.id)!;
    const text = `#${task.id} ${plain(task.subject, { most: FITS - task.id.length })}`;
    return `<g class="${task.isCritical ? "task critical" : "task"}"><title>${inXml(label(task))}</title><rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="6"/><text x="${x + 10}" y="${y + 22}">${inXml(text)}</text></g>`;
  });
  const { width, height } = layout;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${inXml(plain(name))}</title>`,
    `<style>svg{background:#fff}text{font:12px system-ui,sans-serif;fill:#222}.task rect{fill:#f4f6f8;stroke:#8a97a5}.edge{fill:none;stroke:#b3bcc6}.critical rect,.edge.critical{stroke:#c62828;stroke-width:2}</style>`,
    ...lines,
    ...boxes,
    "</svg>",
    "",
  ].join("\n");
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const inXml = (text: string) => text.replace(/[&<>"]/g, (found) => ENTITIES[found]!);
