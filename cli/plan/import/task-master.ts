import { z } from "zod";
import { checkInput } from "../../../lib/base/check-input.ts";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { parseJson } from "../../../lib/plan/read.ts";
import { lineOf } from "../lines.ts";
import { orderOfLinks } from "./links.ts";
import { intoParts } from "./parts.ts";
import { badSource, refuseTwins, type Source, type SourceFile, type SourceTask } from "./shape.ts";
import { touchesOf } from "./touches.ts";

const id = z.union([z.int(), z.string().regex(/^[^\s\p{C}]{1,100}$/u, "must be an id without spaces")]).transform(String);
const text = z.string().nullish();
const criteria = z.union([z.string(), z.array(z.string())]).nullish();

const step = {
  id,
  title: z.string(),
  description: text,
  details: text,
  testStrategy: text,
  status: z.string().nullish(),
  dependencies: z.array(id).nullish(),
  acceptanceCriteria: criteria,
  relevantFiles: z.array(z.looseObject({ path: z.string(), action: z.string().nullish() })).nullish(),
};
const Step = z.looseObject(step);
const Task = z.looseObject({ ...step, subtasks: z.array(Step).nullish() });
const Tag = z.looseObject({ tasks: z.array(Task) });
type Step = z.infer<typeof Step>;
type Task = z.infer<typeof Task>;

const DONE = ["done", "completed"];
const OFF = ["deferred", "cancelled"];

/**
 * Reads task-master's `tasks.json`. A task with subtasks becomes its subtasks.
 *
 * @param tag  The list that is meant, where the file has several.
 * @throws OcaptainError SOURCE
 */
export function readTaskMaster(file: SourceFile, tag: string | undefined, isParallel: boolean): Source {
  const { key, tasks: list } = chosen(file, tag);
  const notes: string[] = [];
  const all: SourceTask[] = [];
  const wholeOf = new Map<string, string>();
  for (const task of list) {
    all.push(taskOf(task, task.id, file.name));
    const subtasks = task.subtasks ?? [];
    const own = new Set(subtasks.map((sub) => sub.id));
    for (const sub of subtasks) {
      const part = taskOf(sub, `${task.id}.${sub.id}`, file.name);
      // A sibling is named by its short id; a few files name it in full, or another task.
      part.after = part.after.map((each) => (own.has(each) ? `${task.id}.${each}` : each));
      wholeOf.set(part.id, task.id);
      all.push(part);
    }
  }
  refuseTwins(all);
  if (all.length === 0) throw badSource(file.name, undefined, `the list ${key} has no tasks`);
  const { tasks, wholes } = intoParts(all, wholeOf, { endWithTheWhole: true }, notes);
  const guesses = orderOfLinks(tasks, isParallel, notes);
  return { title: key === "master" ? "" : key, ...(key && { list: key }), tasks, wholes, guesses, documents: [], notes };
}

function chosen(file: SourceFile, tag: string | undefined): { key: string; tasks: Task[] } {
  const json = parseJson(file.text);
  if ("problem" in json) throw new OcaptainError("SOURCE", `${file.name}: ${json.problem}`);
  const value = json.value as Record<string, unknown>;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badSource(file.name, 1, 'must be an object of lists, {"master": {"tasks": [...]}}');
  const tags = Object.keys(value).filter((each) => Array.isArray((value[each] as { tasks?: unknown } | null)?.tasks));
  const isOld = Array.isArray(value.tasks);
  const key = tag ?? (isOld ? "" : tags.length === 1 ? tags[0] : tags.find((each) => each === "master"));
  if (key === undefined || (key !== "" && !tags.includes(key)))
    throw new OcaptainError(
      "SOURCE",
      `${file.name}: ${tags.length === 0 ? "there is no list of tasks in it" : `say which list: ${tags.join(", ")}`}`,
      {
        ...(tags[0] && { hint: `say it with --tag, as --tag ${tags[0]}` }),
      },
    );
  const checked = checkInput(Tag, key === "" ? value : value[key]);
  if ("data" in checked) return { key, tasks: checked.data.tasks };
  const { field, message } = checked.problems[0]!;
  const whole = key === "" ? field : `${key}.${field}`;
  throw badSource(
    file.name,
    lineOf({ file: "tasks.json", field: whole, message }, file.text) ?? undefined,
    `${whole} ${message}`,
  );
}

const stateOf = (status: string | null | undefined): SourceTask["state"] =>
  DONE.includes(status ?? "") ? "done" : OFF.includes(status ?? "") ? "off" : "open";

function taskOf(task: Step, id: string, file: string): SourceTask {
  const writes = (task.relevantFiles ?? []).filter(({ action }) => action !== "reference").map(({ path }) => path);
  return {
    ...{ id, file },
    title: task.title.trim() || id,
    text: [task.title, wordsOf(task)].join("\n\n").trim(),
    state: stateOf(task.status),
    status: task.status ?? "pending",
    after: [...(task.dependencies ?? [])],
    touches: touchesOf(writes),
  };
}

function wordsOf(task: Step): string {
  const accepted = typeof task.acceptanceCriteria === "string" ? task.acceptanceCriteria : task.acceptanceCriteria?.join("\n");
  return [
    task.description,
    task.details,
    accepted && `Acceptance:\n${accepted}`,
    task.testStrategy && `How it is tested:\n${task.testStrategy}`,
  ]
    .filter(Boolean)
    .join("\n\n");
}
