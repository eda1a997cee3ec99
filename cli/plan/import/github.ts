import { z } from "zod";
import { orderOfLinks } from "./links.ts";
import { intoParts } from "./parts.ts";
import { badSource, type Source, type SourceTask } from "./shape.ts";
import { pathsIn } from "./touches.ts";

/** An issue, as far as its API's answer is used. */
export const Issue = z.looseObject({
  number: z.int().positive(),
  title: z.string(),
  body: z.string().nullish(),
  state: z.string(),
  repository_url: z.string(),
  /** Present where the "issue" is a pull request. */
  pull_request: z.unknown().optional(),
  sub_issues_summary: z.looseObject({ total: z.number() }).nullish(),
  issue_dependencies_summary: z.looseObject({ total_blocked_by: z.number().nullish(), blocked_by: z.number() }).nullish(),
});
export type Issue = z.infer<typeof Issue>;

/** What the API has said of a repository's issues. */
export type GithubIssues = {
  /** The repository, as `owner/name`. */
  repo: string;
  issues: Issue[];
  /** The sub-issues of an issue, and the issues by which it is blocked, by its number. */
  subIssues: ReadonlyMap<number, readonly Issue[]>;
  blockedBy: ReadonlyMap<number, readonly Issue[]>;
};

/** A line in which the text of an issue names those for which it waits. */
const BLOCKED_LINE = /^[\s>*_-]*(?:blocked by|depends on)[\s:*_]*((?:#\d{1,9}[\s,]*(?:and\s+)?)+)/gim;

/**
 * Reads the open issues of a repository. An issue with sub-issues becomes its sub-issues.
 *
 * @throws OcaptainError SOURCE
 */
export function readGithub({ repo, issues, subIssues, blockedBy }: GithubIssues, isParallel: boolean): Source {
  const notes: string[] = [];
  const all = new Map<number, Issue>();
  const wholeOf = new Map<string, string>();
  const pulls = issues.filter((issue) => issue.pull_request !== undefined).length;
  if (pulls > 0) notes.push(`${pulls === 1 ? "A pull request is" : `${pulls} pull requests are`} no issue, and left out.`);
  const isHere = (issue: Issue) => issue.repository_url.toLowerCase().endsWith(`/repos/${repo.toLowerCase()}`);
  const take = (issue: Issue) => {
    if (issue.pull_request !== undefined || all.has(issue.number)) return;
    all.set(issue.number, issue);
    for (const sub of subIssues.get(issue.number) ?? []) {
      if (!isHere(sub)) {
        notes.push(`A sub-issue of #${issue.number} is in another repository, and left out: ${sub.title}`);
        continue;
      }
      wholeOf.set(`#${sub.number}`, `#${issue.number}`);
      take(sub);
    }
  };
  for (const issue of issues) take(issue);
  if (all.size === 0) throw badSource(repo, undefined, "there is no open issue that was asked for");
  const found = [...all.values()]
    .sort((a, b) => a.number - b.number)
    .map((issue) => {
      const task = taskOf(issue);
      const linked = blockedBy.get(issue.number) ?? [];
      for (const other of linked.filter((each) => !isHere(each) && each.state !== "closed"))
        notes.push(`${task.id} is blocked by an issue of another repository, and waits for it no longer: ${other.title}`);
      const said = saidIn(issue.body ?? "");
      if (said.length > 0) notes.push(`${task.id} waits for ${said.join(", ")}, as its text says.`);
      const open = linked.filter((other) => isHere(other) && (other.state !== "closed" || all.has(other.number)));
      task.after = [...new Set([...open.map((other) => `#${other.number}`), ...said])];
      return task;
    });
  const { tasks, wholes } = intoParts(found, wholeOf, { endWithTheWhole: false }, notes);
  const guesses = orderOfLinks(tasks, isParallel, notes);
  return { title: repo, scope: repo, tasks, wholes, guesses, documents: [], notes };
}

const saidIn = (body: string) =>
  Array.from(body.matchAll(BLOCKED_LINE), ([, list]) => list!).flatMap((list) => list.match(/#\d+/g) ?? []);

function taskOf({ number, title, body, state }: Issue): SourceTask {
  return {
    id: `#${number}`,
    title: title.trim() || `#${number}`,
    text: [title, body ?? ""].join("\n\n").trim(),
    state: state === "closed" ? "done" : "open",
    status: state,
    after: [],
    touches: pathsIn(body ?? ""),
    file: "",
  };
}
