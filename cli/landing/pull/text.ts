import { counted } from "../../../lib/base/counted.ts";
import { plain } from "../../../lib/base/text.ts";
import type { ReportFacts } from "../../report/facts/facts.ts";
import type { Measure, PullAbout } from "./about.ts";
import { graphOf } from "./graph.ts";
import { joined, Markdown, md } from "./markdown.ts";
import { objectiveOf } from "./objective.ts";
import { headOf, howMade, openOf, setbackOf, spendOf, taskTable, verifyOf } from "./sections.ts";

const WHOLE: Measure = {
  graph: 60,
  summary: 300,
  setbacks: 40,
  checks: true,
  lines: 20,
  rows: 2_000,
  subject: 120,
  objective: 4_000,
};
const LESS: readonly Partial<Measure>[] = [
  { graph: 30 },
  { summary: 160, setbacks: 20 },
  { summary: 80, graph: 1 },
  { summary: 0 },
  { checks: false, setbacks: 10 },
  { subject: 60, lines: 10 },
  ...[1_000, 600, 400, 250, 150, 80].map((rows) => ({ rows })),
  { graph: 0, setbacks: 5, objective: 1_500 },
  { rows: 40, subject: 40 },
  { rows: 10, lines: 5, objective: 400 },
  { rows: 0, setbacks: 0, lines: 0, objective: 0 },
];

/** The most characters of a title at GitHub; other forges take as many. */
const MOST_TITLE = 256;

/**
 * Writes the title and the text of a voyage's pull request, of facts alone. Where the limit is too small for all of it,
 * it is cut from what a reviewer misses least, and says so.
 */
export function pullText(facts: ReportFacts, about: PullAbout): { title: string; body: string } {
  const title = titleOf(facts, about);
  let measure = WHOLE;
  let body = bodyOf(facts, about, measure);
  for (const less of LESS) {
    if (body.length <= about.limit) return { title, body };
    measure = { ...measure, ...less };
    body = bodyOf(facts, about, measure);
  }
  return { title, body: body.length <= about.limit ? body : "" };
}

/** A title is no markdown: what would act on a forge, or in a commit's message, is parted by a space. */
function titleOf({ voyage }: ReportFacts, { part }: PullAbout): string {
  const wave = part ? ` (${part.wave} of ${part.of})` : "";
  const words = plain((voyage.purpose.trim() || voyage.name).replace(/\s+/g, " "), { most: MOST_TITLE - 60 })
    .replace(/^\s*(\[\s*(wip|draft)\s*\]|(wip|draft):)\s*/i, "")
    .replace(/([@#]|!(?=\d)|:(?=\/\/)|\bGH-(?=\d))(?=\S)/gi, "$1 ")
    .trim();
  return `${words.slice(0, MOST_TITLE - 20).toWellFormed() || `Voyage ${plain(voyage.stack, { most: 100 })}`}${wave}`;
}

function bodyOf(facts: ReportFacts, about: PullAbout, measure: Measure): string {
  const { part } = about;
  const tasks = facts.tasks.filter(({ id, status }) => status !== "cancelled" && (!part || part.tasks.includes(id)));
  const { objective } = facts.voyage;
  const graph = measure.graph > 0 && !part ? graphOf(facts, measure.graph) : null;
  const section = (title: string, text: Markdown | null) => text && new Markdown(`### ${title}\n\n${text.text}`);
  return joined(
    [
      ...headOf(facts, about, tasks),
      measure.objective > 0 && objective !== null && section("Objective", objectiveOf(cut(objective, measure.objective))),
      section("Tasks", taskTable(tasks, about, measure)),
      section("Not delivered", openOf(tasks, measure)),
      section("verify.sh", verifyOf(facts, about, measure)),
      section("Spend", spendOf(facts)),
      section("Graph", graph),
      section("What went back", setbackOf(facts, tasks, measure)),
      section("How it was made", howMade(facts, about)),
      measure !== WHOLE && md`<sub>${shortened(tasks.length, measure)}</sub>`,
    ],
    "\n\n",
  ).text;
}

const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most).toWellFormed()}…` : text);

function shortened(tasks: number, { summary, checks, graph, objective }: Measure): string {
  const left = [
    summary === 0 ? "the summaries of tasks" : summary < WHOLE.summary && `summaries after ${summary} characters`,
    !checks && "the checks of tasks",
    graph === 0 ? "the graph" : graph < WHOLE.graph && tasks > graph && "the graph's tasks, which are drawn by waves",
    objective < WHOLE.objective && (objective === 0 ? "the objective" : `the objective after ${objective} characters`),
  ].filter((each) => typeof each === "string");
  return `What there is to say of ${counted(tasks, "task")} is longer than this text may be. Left out: ${left.join("; ") || "the ends of lists"}.`;
}
