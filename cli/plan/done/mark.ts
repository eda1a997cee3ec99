import { applyEdits, findNodeAtLocation, type JSONPath, modify, parseTree } from "jsonc-parser";
import { readBacklog, settingsOf } from "../import/backlog.ts";
import { readOpenSpec } from "../import/openspec.ts";
import type { Format, Source, SourceFile } from "../import/shape.ts";
import { readSpecKit } from "../import/spec-kit.ts";
import { readTaskMaster } from "../import/task-master.ts";
import { subjectOf } from "../import/write-plan.ts";

/** A task that a voyage has done, as its plan has it. */
export type DoneTask = { id: string; subject: string };

/** A list of tasks after its marks were set, and what became of each task in it. */
export type Marked = {
  files: SourceFile[];
  /** The ids that are marked as done now, those of wholes included of which nothing is left. */
  marked: string[];
  /** The ids that were so already. */
  already: string[];
  /** Those that were not marked, each with the reason. */
  unmarked: { id: string; why: string }[];
};

/** The formats whose status stands in a file. */
export type InFile = Exclude<Format, "beads" | "github">;

/**
 * Marks tasks as done in the files of a list. Nothing else of the files is changed. A task that is not there any more,
 * or is another one by now, is not marked.
 *
 * @param files  The list's files; of a backlog all tasks, and its configuration.
 * @param list  Which list of the file is meant, where it has several.
 */
export function markDone(from: InFile, files: readonly SourceFile[], done: readonly DoneTask[], list?: string): Marked {
  const { source, mark } = HOW[from](files, list);
  const known = new Map(source.tasks.map((task) => [task.id, task]));
  const marked: string[] = [];
  const already: string[] = [];
  const unmarked: Marked["unmarked"] = [];
  for (const { id, subject } of done) {
    const task = known.get(id);
    if (!task) unmarked.push({ id, why: "it is not there any more" });
    else if (task.state === "done") already.push(id);
    else if (subjectOf(task) !== subject) unmarked.push({ id, why: `it is another task by now: ${task.title}` });
    else marked.push(id);
  }
  const isDone = (id: string) => marked.includes(id) || known.get(id)?.state === "done";
  const wholes = source.wholes
    .filter(({ state, parts }) => state === "open" && parts.every(isDone) && parts.some((id) => marked.includes(id)))
    .map(({ id }) => id);
  const all = [...marked, ...wholes];
  return { files: mark(all), marked: all, already, unmarked };
}

type Way = { source: Source; mark: (ids: readonly string[]) => SourceFile[] };

const HOW: Record<InFile, (files: readonly SourceFile[], list?: string) => Way> = {
  "spec-kit": ([file]) => boxes(file!, readSpecKit(file!, [], false)),
  openspec: ([file]) => boxes(file!, readOpenSpec(file!, [], false)),
  "task-master": ([file], list) => {
    const source = readTaskMaster(file!, list, false);
    return {
      source,
      mark: (ids) => [{ ...file!, text: ids.reduce((text, id) => statusInJson(text, source.list, id), file!.text) }],
    };
  },
  backlog: (files) => {
    const isConfig = ({ name }: SourceFile) => name.endsWith("/config.yml");
    const config = files.find(isConfig);
    const tasks = files.filter((file) => !isConfig(file) && !/\/completed\/[^/]*$/.test(file.name));
    const source = readBacklog(
      { tasks, completed: files.filter((file) => /\/completed\/[^/]*$/.test(file.name)), config },
      false,
    );
    const status = settingsOf(config).statuses.at(-1)!;
    const fileOf = new Map([...source.tasks, ...source.wholes].map(({ id, file }) => [id, file]));
    return {
      source,
      mark: (ids) => {
        const names = new Set(ids.map((id) => fileOf.get(id)));
        return tasks.filter(({ name }) => names.has(name)).map((file) => ({ ...file, text: statusInHead(file.text, status) }));
      },
    };
  },
};

/** Ticks the boxes of tasks, each in its line. */
function boxes(file: SourceFile, source: Source): Way {
  const lineOf = new Map(source.tasks.map(({ id, line }) => [id, line!]));
  return {
    source,
    mark: (ids) => {
      // Every other part is the end of a line, as it is in the file.
      const parts = file.text.split(/(\r\n|\n|\r)/);
      for (const id of ids) {
        const at = 2 * (lineOf.get(id)! - 1);
        parts[at] = parts[at]!.replace("[ ]", "[x]");
      }
      return [{ ...file, text: parts.join("") }];
    },
  };
}

function statusInJson(text: string, list: string | undefined, id: string): string {
  const root = parseTree(text);
  const at = (path: JSONPath) => root && findNodeAtLocation(root, path);
  const tasks: JSONPath = [...(list === undefined ? [] : [list]), "tasks"];
  const indexOf = (path: JSONPath, wanted: string) =>
    (at(path)?.children ?? []).findIndex((_child, index) => String(at([...path, index, "id"])?.value) === wanted);
  let path: JSONPath = [...tasks, indexOf(tasks, id)];
  if (path.at(-1) === -1) {
    // An id may have a dot itself, so every way to part it is tried.
    for (let dot = id.indexOf("."); dot >= 0; dot = id.indexOf(".", dot + 1)) {
      const subtasks: JSONPath = [...tasks, indexOf(tasks, id.slice(0, dot)), "subtasks"];
      const index = indexOf(subtasks, id.slice(dot + 1));
      if (index >= 0) path = [...subtasks, index];
    }
  }
  return path.at(-1) === -1 ? text : applyEdits(text, modify(text, [...path, "status"], "done", {}));
}

/** Sets the status in the front matter of a task's file, where a line has it. */
function statusInHead(text: string, status: string): string {
  const word = /^[\p{L}\p{N}][\p{L}\p{N} _-]*$/u.test(status) ? status : JSON.stringify(status);
  const end = text.search(/\r?\n---[ \t]*(\r?\n|$)/);
  const head = text.slice(0, end);
  const line = /^status:[^\r\n]*/m;
  return `${line.test(head) ? head.replace(line, () => `status: ${word}`) : `${head}\nstatus: ${word}`}${text.slice(end)}`;
}
