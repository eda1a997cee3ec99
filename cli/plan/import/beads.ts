import { z } from "zod";
import { checkInput } from "../../../lib/base/check-input.ts";
import { parseJson } from "../../../lib/plan/read.ts";
import { orderOfLinks } from "./links.ts";
import { intoParts } from "./parts.ts";
import { badSource, refuseTwins, type Source, type SourceFile, type SourceTask } from "./shape.ts";
import { pathsIn } from "./touches.ts";

const id = z.string().regex(/^[^\s\p{C}]{1,100}$/u, "must be an id without spaces");
const text = z.string().nullish();

const Issue = z.looseObject({
  id,
  title: z.string(),
  description: text,
  design: text,
  acceptance_criteria: text,
  notes: text,
  status: z.string().nullish(),
  issue_type: z.string().nullish(),
  estimated_minutes: z.number().nullish(),
  dependencies: z.array(z.looseObject({ depends_on_id: id, type: z.string().nullish() })).nullish(),
});
type Issue = z.infer<typeof Issue>;

/**
 * The kinds of links by which an issue waits for another. All others say only that the two have to do with each other.
 */
const WAITS = ["blocks", "conditional-blocks", "waits-for"];
const MOST_MINUTES = 7 * 24 * 60;

/**
 * Reads what `bd export` writes, an issue a line. An issue with children, such as an epic, becomes its children.
 *
 * @throws OcaptainError SOURCE
 */
export function readBeads({ name, text: whole }: SourceFile, isParallel: boolean): Source {
  const notes: string[] = [];
  const wholeOf = new Map<string, string>();
  const all: (SourceTask & { line: number })[] = [];
  const kinds = new Set<string>();
  for (const [index, row] of whole.split(/\r?\n/).entries()) {
    if (row.trim() === "") continue;
    const line = index + 1;
    const issue = issueOf(name, line, row);
    for (const { depends_on_id, type } of issue.dependencies ?? []) {
      if (type === "parent-child") wholeOf.set(issue.id, depends_on_id);
      else if (!WAITS.includes(type ?? "blocks")) kinds.add(type ?? "");
    }
    all.push({ ...taskOf(issue), line });
  }
  if (all.length === 0) throw badSource(name, undefined, "there is no issue in it: bd export writes one a line");
  refuseTwins(all.map((task) => ({ ...task, file: name })));
  if (kinds.size > 0)
    notes.push(`Links of the kinds ${[...kinds].sort().join(", ")} say nothing of the order: they are left out.`);
  const { tasks, wholes } = intoParts(all, wholeOf, { endWithTheWhole: false }, notes);
  const guesses = orderOfLinks(tasks, isParallel, notes);
  return { title: "", tasks, wholes, guesses, documents: [], notes };
}

function issueOf(name: string, line: number, row: string): Issue {
  const json = parseJson(row);
  if ("problem" in json) throw badSource(name, line, json.problem.replace(/^line 1, /, ""));
  const checked = checkInput(Issue, json.value);
  if ("data" in checked) return checked.data;
  const { field, message } = checked.problems[0]!;
  throw badSource(name, line, `${field || "the line"} ${message}`);
}

function taskOf(issue: Issue): SourceTask {
  const { status, estimated_minutes: minutes } = issue;
  const words = [
    issue.title,
    issue.description,
    issue.design && `Design:\n${issue.design}`,
    issue.acceptance_criteria && `Acceptance:\n${issue.acceptance_criteria}`,
    issue.notes && `Notes:\n${issue.notes}`,
  ]
    .filter(Boolean)
    .join("\n\n");
  return {
    id: issue.id,
    title: issue.title.trim() || issue.id,
    text: words,
    state: status === "closed" ? "done" : ["deferred", "tombstone", "pinned"].includes(status ?? "") ? "off" : "open",
    status: status ?? "open",
    after: (issue.dependencies ?? [])
      .filter(({ type }) => WAITS.includes(type ?? "blocks"))
      .map(({ depends_on_id }) => depends_on_id),
    touches: pathsIn([issue.description, issue.design].filter(Boolean).join("\n")),
    ...(minutes && minutes > 0 && minutes <= MOST_MINUTES && { estimateMinutes: minutes }),
    file: "",
  };
}
