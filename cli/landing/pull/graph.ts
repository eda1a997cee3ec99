import { counted } from "../../../lib/base/counted.ts";
import { plain } from "../../../lib/base/text.ts";
import type { ReportFacts, TaskFacts } from "../../report/facts/facts.ts";
import { Markdown } from "./markdown.ts";

/** More waves than this are drawn as one node in the middle. */
const MOST_WAVES = 24;
/** Mermaid draws no more edges than this, unless its page says otherwise. */
const MOST_EDGES = 500;
const MOST_LABEL = 40;

/**
 * Draws the tasks' graph for Mermaid, which GitHub and Gitea show: a node for each task, or for each wave where there
 * are more than `mostTasks`. null where there is nothing to see.
 */
export function graphOf({ graph, tasks }: Pick<ReportFacts, "graph" | "tasks">, mostTasks: number): Markdown | null {
  const known = new Map(tasks.map((task) => [task.id, task]));
  const drawn = graph.waves.flat().flatMap((id) => known.get(id) ?? []);
  if (drawn.length < 2) return null;
  const edges = drawn.flatMap(({ id, blockedBy }) =>
    blockedBy.filter((each) => known.has(each)).map((from) => [from, id] as const),
  );
  const lines = drawn.length <= mostTasks && edges.length <= MOST_EDGES ? byTask(drawn, edges) : byWave(graph.waves, known);
  return new Markdown(["```mermaid", "flowchart LR", ...lines.map((line) => `  ${line}`), "```"].join("\n"));
}

function byTask(tasks: readonly TaskFacts[], edges: readonly (readonly [from: string, to: string])[]): string[] {
  // The nodes are named by their place, for an id is a plan's word.
  const nameOf = new Map(tasks.map(({ id }, index) => [id, `t${index}`]));
  const named = (chosen: readonly TaskFacts[]) => chosen.map(({ id }) => nameOf.get(id)).join(",");
  const critical = named(tasks.filter(({ isCritical }) => isCritical));
  const undone = named(tasks.filter(({ status }) => status !== "accepted"));
  return [
    ...tasks.map(({ id, subject }) => `${nameOf.get(id)}["${label(`${id} · ${subject}`)}"]`),
    ...edges.map(([from, to]) => `${nameOf.get(from)} --> ${nameOf.get(to)}`),
    ...(critical ? ["classDef critical stroke-width:3px", `class ${critical} critical`] : []),
    ...(undone ? ["classDef undone stroke-dasharray:4 4", `class ${undone} undone`] : []),
  ];
}

function byWave(waves: readonly string[][], known: ReadonlyMap<string, TaskFacts>): string[] {
  const half = MOST_WAVES / 2;
  const middle = waves.length > MOST_WAVES ? waves.slice(half, waves.length - half) : [];
  const nodes = waves.flatMap((wave, index) => {
    if (middle.includes(wave))
      return wave === middle[0] ? [`waves ${index + 1} to ${index + middle.length}: ${sum(middle.flat(), known)}`] : [];
    return [`wave ${index + 1}: ${sum(wave, known)}`];
  });
  return [...nodes.map((text, index) => `w${index}["${label(text)}"]`), nodes.map((_, index) => `w${index}`).join(" --> ")];
}

function sum(ids: readonly string[], known: ReadonlyMap<string, TaskFacts>): string {
  const undone = ids.filter((id) => known.get(id)?.status !== "accepted").length;
  return `${counted(ids.length, "task")}${undone > 0 ? `, ${undone} not done` : ""}`;
}

/** Words alone: neither what ends a label of Mermaid nor what a forge acts on. */
const label = (text: string) =>
  plain(text, { most: MOST_LABEL })
    .replace(/[^\p{L}\p{N} .,:()'·…/+-]|:(?=\/)|-(?=\d)/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
