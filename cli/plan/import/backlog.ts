import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { checkInput } from "../../../lib/base/check-input.ts";
import { orderOfLinks } from "./links.ts";
import { intoParts } from "./parts.ts";
import { badSource, refuseTwins, type Source, type SourceFile, type SourceTask } from "./shape.ts";
import { pathsIn, touchesOf } from "./touches.ts";

const id = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(z.string().regex(/^[^\s\p{C}]{1,100}$/u, "must be an id without spaces"));
const list = <T extends z.ZodType>(of: T) => z.union([z.array(of), z.null()]).optional();

const Head = z.looseObject({
  id,
  title: z.union([z.string(), z.number()]).transform(String),
  status: z.string().nullish(),
  dependencies: list(id),
  parent_task_id: id.nullish(),
  modified_files: list(z.string()),
  ordinal: z.number().nullish(),
});

/** The files of a backlog: its tasks, those that were done and put aside, and its own configuration. */
export type BacklogFiles = { tasks: readonly SourceFile[]; completed: readonly SourceFile[]; config: SourceFile | undefined };

/**
 * Reads the tasks of a Backlog.md project. A task with subtasks becomes its subtasks.
 *
 * @throws OcaptainError SOURCE
 */
export function readBacklog({ tasks: files, completed, config }: BacklogFiles, isParallel: boolean): Source {
  const { title, statuses } = settingsOf(config);
  const notes: string[] = [];
  const found = [
    ...files.map((file) => taskOf(file, statuses.at(-1)!, false)),
    ...completed.map((file) => taskOf(file, statuses.at(-1)!, true)),
  ].sort((a, b) => a.ordinal - b.ordinal || inOrder(a.id, b.id));
  if (found.length === 0) throw badSource("backlog/tasks", undefined, "there is no task in it");
  // An id is written in capitals or not, and by the word before its number or without, wherever another task names it.
  const byKey = new Map(found.map((task) => [keyOf(task.id), task.id]));
  const named = (said: string) => byKey.get(keyOf(said)) ?? said;
  refuseTwins(found.map((task) => ({ id: keyOf(task.id), file: task.file })));
  const wholeOf = new Map<string, string>();
  for (const task of found) {
    task.after = task.after.map(named);
    if (task.whole !== undefined) wholeOf.set(task.id, named(task.whole));
  }
  const { tasks, wholes } = intoParts(found, wholeOf, { endWithTheWhole: false }, notes);
  const guesses = orderOfLinks(tasks, isParallel, notes);
  return { title, tasks, wholes, guesses, documents: [], notes };
}

const inOrder = new Intl.Collator("en", { numeric: true }).compare;
const keyOf = (said: string) => said.toLowerCase().replace(/^[a-z]+-(?=\d)/, "");

/** The statuses of a project, of which the last one says that a task is done. */
export function settingsOf(config: SourceFile | undefined): { title: string; statuses: string[] } {
  const value = config ? parseYaml(config, config.text, 0) : {};
  const { project_name: name, statuses } = (value ?? {}) as { project_name?: unknown; statuses?: unknown };
  const said = Array.isArray(statuses) ? statuses.filter((each): each is string => typeof each === "string") : [];
  return { title: typeof name === "string" ? name : "", statuses: said.length > 0 ? said : ["To Do", "In Progress", "Done"] };
}

type Found = SourceTask & { ordinal: number; whole: string | undefined };

function taskOf(file: SourceFile, doneStatus: string, isDone: boolean): Found {
  const [head, body] = split(file);
  const checked = checkInput(Head, parseYaml(file, head, 1));
  if ("problems" in checked) {
    const { field, message } = checked.problems[0]!;
    const at = head.split("\n").findIndex((line) => line.startsWith(`${field.split(/[.[]/)[0]}:`));
    throw badSource(file.name, at < 0 ? 1 : at + 2, `${field || "its front matter"} ${message}`);
  }
  const { id, title, status, dependencies, parent_task_id, modified_files, ordinal } = checked.data;
  const text = body
    .replace(/<!--[^>]{0,200}-->\n?/g, "")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
  const done = isDone || same(status, doneStatus) || same(status, "done");
  return {
    ...{ id, title: title.trim() || id, text: `${title}\n\n${text}`.trim(), file: file.name },
    state: done ? "done" : same(status, "draft") ? "off" : "open",
    status: isDone ? "done" : (status ?? "open"),
    after: dependencies ?? [],
    touches: modified_files && modified_files.length > 0 ? touchesOf(modified_files) : pathsIn(text),
    ordinal: ordinal ?? Number.MAX_SAFE_INTEGER,
    whole: parent_task_id ?? undefined,
  };
}

const same = (a: string | null | undefined, b: string) => a?.trim().toLowerCase() === b.trim().toLowerCase();

/** Splits a task's file into its front matter and what is below. @throws OcaptainError SOURCE */
function split({ name, text }: SourceFile): [head: string, body: string] {
  const parts = /^---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text);
  if (!parts) throw badSource(name, 1, "must begin with front matter, between two lines of three dashes");
  return [parts[1]!.replaceAll("\r", ""), text.slice(parts[0].length).replaceAll("\r", "")];
}

/**
 * Parses YAML as far as plain values go: an alias or a type of its own is refused. Names of people, which Backlog.md
 * writes without quotes, are no YAML.
 */
function parseYaml(file: SourceFile, text: string, linesBefore: number): unknown {
  const quoted = text
    .replace(/^(\s*(?:-|assignee:|reporter:)\s*)(@[^\s'"\],][^\n'"]*)$/gm, '$1"$2"')
    .replace(/([[,]\s*)(@[\w.-]+)/g, '$1"$2"');
  const lines = new LineCounter();
  const document = parseDocument(quoted, {
    lineCounter: lines,
    schema: "core",
    customTags: [],
    uniqueKeys: true,
    logLevel: "silent",
  });
  const [error] = document.errors;
  if (error) {
    const { line } = lines.linePos(error.pos[0]);
    throw badSource(file.name, line + linesBefore, error.message.split("\n")[0]!.replace(/ at line \d+.*$/, ""));
  }
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw badSource(file.name, undefined, `its front matter cannot be read: ${(error as Error).message}`);
  }
}
