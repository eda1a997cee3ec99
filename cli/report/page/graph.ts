import { counted } from "../../../lib/base/counted.ts";
import { plain } from "../../../lib/base/text.ts";
import { lasting } from "../../output/durations.ts";
import { type BoxSize, edgePath, layOutGraph } from "../../plan/graph-layout.ts";
import type { ReportFacts, TaskFacts } from "../facts/facts.ts";
import { html, type Markup } from "./markup.ts";
import { taskName } from "./words.ts";

/** Up to so many tasks a box has room for a subject; above that only for an id. Above the other bound none is drawn. */
const MOST_WITH_SUBJECT = 80;
const MOST_DRAWN = 2_000;
/** A graph with more edges is no picture any more, and a large file. */
const MOST_EDGES = 6_000;
/** Above so many edges they are faint, so that boxes can be read. */
const DENSE = 150;
/** How many tasks of a wave stand below each other. */
const MOST_ROWS = 12;
const MOST_SMALL_ROWS = 20;
const LARGE: BoxSize = { width: 216, height: 40, across: 56, down: 12, margin: 10 };
const SMALL: BoxSize = { width: 44, height: 20, across: 40, down: 6, margin: 8 };
/** How many tasks of the critical path are named in a sentence. */
const MOST_NAMED = 40;

/** Draws the graph: a column for each wave, each task in the colour of its state, the critical path thick. */
export function graph({ graph: { waves, criticalPath, criticalSeconds, by }, tasks, period }: ReportFacts): Markup {
  const known = new Map(tasks.map((task) => [task.id, task]));
  const ids = waves.flat();
  const drawnIds = new Set(ids);
  const cancelled = tasks.filter(({ status }) => status === "cancelled").length;
  const named = criticalPath.slice(0, MOST_NAMED).map((id, index) => html`${index > 0 && " → "}${taskName(id)}`);
  const rest = criticalPath.length - named.length;
  const long = criticalSeconds === null ? "" : `, which took ${lasting(criticalSeconds)} one after the other`;
  const ofAll =
    criticalSeconds !== null && period.work
      ? ` of the ${lasting((Date.parse(period.work.to) - Date.parse(period.work.from)) / 1000)} of work`
      : "";
  const longest = by === "seconds" ? "The chain of tasks that took longest" : "The longest chain of tasks, by their number,";
  if (ids.length === 0)
    return html`<p>${tasks.length === 0 ? "The plan has no task." : "The graph cannot be drawn: its tasks wait for each other, or all are cancelled."}</p>`;
  const path = html`<p>${longest} has ${counted(criticalPath.length, "task")}${long}${ofAll}: ${named}${rest > 0 && ` and ${rest} more`}. However many ships sail, it is not done sooner.${cancelled > 0 && ` ${counted(cancelled, "cancelled task is", "cancelled tasks are")} not drawn.`}</p>
`;
  const edges = ids.flatMap((id) =>
    known
      .get(id)!
      .blockedBy.filter((from) => drawnIds.has(from))
      .map((from) => [from, id] as const),
  );
  if (ids.length > MOST_DRAWN || edges.length > MOST_EDGES)
    return html`${path}<p class="quiet">${counted(ids.length, "task")} with ${counted(edges.length, "edge")} are too many for a picture.</p>`;
  const isLarge = ids.length <= MOST_WITH_SUBJECT;
  const box = isLarge ? LARGE : SMALL;
  const layout = layOutGraph(waves, box, isLarge ? MOST_ROWS : MOST_SMALL_ROWS);
  const critical = new Map(criticalPath.map((id, index) => [id, index]));
  const isCritical = (from: string, to: string) => critical.has(from) && critical.get(to) === critical.get(from)! + 1;
  const drawn = edges.sort(([a, b], [c, d]) => Number(isCritical(a, b)) - Number(isCritical(c, d)));
  return html`${path}<div class="frame" role="region" aria-label="The graph of the tasks" tabindex="0"><svg class="${drawn.length > DENSE ? "graph dense" : "graph"}" width="${layout.width}" height="${layout.height}" role="img" aria-label="${counted(ids.length, "task")} in ${counted(waves.length, "wave")}, in the colours of their states">
${drawn.map(
  ([from, to]) => html`<path class="${isCritical(from, to) ? "edge critical" : "edge"}" d="${edgePath(layout, box, from, to)}"/>
`,
)}${ids.map((id) => boxOf(known.get(id)!, layout.at.get(id)!, box, isLarge))}</svg></div>
${states(ids.map((id) => known.get(id)!))}`;
}

function boxOf(task: TaskFacts, { x, y }: { x: number; y: number }, box: BoxSize, isLarge: boolean): Markup {
  const { id, subject, status, ship, isCritical } = task;
  const title = `#${id} ${plain(subject, { most: 200 })}: ${status}${ship === null ? "" : `, ${ship}`}`;
  const more = [status, ...(ship === null ? [] : [ship]), ...(task.seconds === null ? [] : [lasting(task.seconds)])].join(" · ");
  const rows = isLarge
    ? html`<text x="10" y="17">${`#${id} ${plain(subject, { most: 60 })}`}</text><text class="small" x="10" y="32">${more}</text>`
    : html`<text class="small" x="${box.width / 2}" y="14" text-anchor="middle">${plain(id, { most: 6 })}</text>`;
  // What does not fit into the inner picture is cut off.
  return html`<g class="task ${status}${isCritical && " critical"}"><title>${title}</title><rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="5"/><svg x="${x}" y="${y}" width="${box.width - 4}" height="${box.height}">${rows}</svg></g>
`;
}

/** Says which colours are to be seen. */
function states(tasks: readonly TaskFacts[]): Markup {
  const kinds = ["accepted", "claimed", "pending", "blocked"].filter((kind) => tasks.some(({ status }) => status === kind));
  return html`<ul class="legend">${kinds.map(
    (kind) =>
      html`<li><svg class="graph" width="22" height="14" aria-hidden="true"><g class="task ${kind}"><rect x="1" y="1" width="20" height="12" rx="3"/></g></svg> ${kind}</li>`,
  )}<li><svg class="graph" width="22" height="14" aria-hidden="true"><path class="edge critical" d="M0 7H22"/></svg> the critical path</li></ul>
`;
}
