import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { checkInput } from "../base/check-input.ts";
import type { PlanFinding } from "./findings.ts";
import { byId, findCycles, formatCycle } from "./graph.ts";
import { MAX_ID_DIGITS, MAX_JSON_BYTES, MAX_TASKS, MAX_TASKS_BYTES } from "./limits.ts";
import { parseJson, readText } from "./read.ts";
import { TaskFile, TaskParts } from "./schema.ts";
import type { PlanTask } from "./types.ts";

const FILE_NAME = new RegExp(`^(\\d{1,${MAX_ID_DIGITS}})\\.json$`);
/** The files that are read before others have their turn. */
const AT_ONCE = 100;

/** What was read: the whole tasks, by id; and of each file what is right of it, also where the rest is not. */
export type LoadedTasks = { tasks: PlanTask[]; parts: FileParts[]; files: number; findings: PlanFinding[] };
/** The right parts of one file of `tasks/`. */
export type FileParts = { file: string; parts: TaskParts };

/**
 * Reads the tasks of `<folder>/tasks`, sorted by id, with all that is wrong with them. Files that do not end in `.json`
 * are not looked at. `files` counts the task files that are there, broken or not.
 */
export async function loadTasks(folder: string): Promise<LoadedTasks> {
  const names = await taskFiles(folder);
  if (names.length === 0 || names.length > MAX_TASKS) {
    const message =
      names.length === 0
        ? "there are no tasks: a plan has tasks/1.json, tasks/2.json, …"
        : `${names.length} tasks; at most ${MAX_TASKS} are taken`;
    return { tasks: [], parts: [], files: names.length, findings: [{ file: "tasks", field: "", message }] };
  }
  const findings: PlanFinding[] = [];
  const parts: FileParts[] = [];
  const written: Written[] = [];
  let bytes = 0;
  for (const [i, name] of names.entries()) {
    if (i % AT_ONCE === 0) await setImmediate();
    const loaded = loadTask(folder, name);
    findings.push(...loaded.findings);
    bytes += loaded.bytes;
    if (loaded.parts) parts.push({ file: loaded.file, parts: loaded.parts });
    if (loaded.written) written.push(loaded.written);
  }
  if (bytes > MAX_TASKS_BYTES) {
    findings.push({ file: "tasks", field: "", message: `${bytes} bytes together; at most ${MAX_TASKS_BYTES} are taken` });
  }
  written.sort((a, b) => byId(a.id, b.id));
  findings.push(...sameNumbers(written));
  findings.push(...checkGraph(written, new Set(names.map((name) => name.replace(/\.json$/, "")))));
  return { tasks: withBothSides(written), parts, files: names.length, findings };
}

/** Finds ids that are the same number, such as 7 and 007: "task 7 is blocked" must name one task only. */
function sameNumbers(written: readonly Written[]): PlanFinding[] {
  const first = new Map<number, string>();
  return written.flatMap(({ id }) => {
    const other = first.get(Number(id));
    if (other === undefined) first.set(Number(id), id);
    return other === undefined
      ? []
      : [{ file: `tasks/${id}.json`, field: "id", message: `is the same number as task ${other}'s` }];
  });
}

/**
 * A task of the graph as its file has it. A list that the file leaves out follows from the other files. In one that is
 * not right throughout, the entries that are no ids are null. `task` is there where the whole file is right.
 */
type Written = { id: string; task?: PlanTask } & Pick<TaskParts, "blocks" | "blockedBy">;

async function taskFiles(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, "tasks")).catch(() => []);
  return names.filter((name) => name.endsWith(".json")).sort();
}

/**
 * Reads and checks one task by its own file alone. `parts` is there when the file is an object at all, and `written`
 * when the task can be looked at in the graph.
 */
function loadTask(
  folder: string,
  name: string,
): { file: string; parts?: TaskParts; written?: Written; bytes: number; findings: PlanFinding[] } {
  const file = `tasks/${name}`;
  const findings: PlanFinding[] = [];
  const finding = (message: string, field = "") => findings.push({ file, field, message });
  const reading = readText(join(folder, file), MAX_JSON_BYTES);
  if ("problem" in reading) {
    finding(reading.problem);
    return { file, bytes: 0, findings };
  }
  const bytes = Buffer.byteLength(reading.text);
  const idOfFile = FILE_NAME.exec(name)?.[1];
  if (idOfFile === undefined) finding(`its name must be a task id, 1 to ${MAX_ID_DIGITS} digits, and .json`);
  const json = parseJson(reading.text);
  if ("problem" in json) {
    finding(json.problem);
    return { file, bytes, findings };
  }
  for (const { field, message } of json.repeated) finding(message, field);
  const checked = checkInput(TaskFile, json.value);
  if ("problems" in checked) for (const { field, message } of checked.problems) finding(message, field);
  const parts = "data" in checked ? partsOf(checked.data) : TaskParts.safeParse(json.value).data;
  if (!parts) return { file, bytes, findings };
  // The file's name has the id too, where the file leaves it out, or has a wrong one, which is a finding already.
  const id = parts.id ?? idOfFile;
  if (idOfFile !== undefined && id !== idOfFile) {
    finding(`is "${id}", but the file is task ${idOfFile}'s: the two must agree, so that no two tasks have one id`, "id");
  }
  if (idOfFile === undefined || id !== idOfFile) return { file, parts, bytes, findings };
  const task = "data" in checked ? toPlanTask(id, checked.data) : undefined;
  const written = { id, blocks: parts.blocks, blockedBy: parts.blockedBy, ...(task && { task }) };
  return { file, parts, written, bytes, findings };
}

const partsOf = ({ id, blocks, blockedBy, metadata }: TaskFile): TaskParts => ({
  ...{ id, blocks, blockedBy },
  metadata: { rehearsal: metadata?.rehearsal, check: metadata?.check },
});

/**
 * Makes the plan's task of a file's. An id that is named twice in a list is kept once, so that the ledger meets no
 * doubles.
 */
const toPlanTask = (id: string, task: TaskFile): PlanTask => ({
  id,
  subject: (task.title ?? task.subject)!,
  description: task.description,
  ...(task.activeForm == null ? {} : { activeForm: task.activeForm }),
  blocks: [...new Set(task.blocks ?? [])],
  blockedBy: [...new Set(task.blockedBy ?? [])],
  metadata: withoutNulls(task.metadata ?? {}),
});

/**
 * The fields that a crew reads, in which null is as if they were left out. Other fields keep a null: a plan at sea may
 * have it, and would count as changed without it.
 */
const READ_BY_CREWS = ["check", "rehearsal", "timeoutSeconds", "tries", "claude"] as const;

function withoutNulls(metadata: NonNullable<TaskFile["metadata"]>): Record<string, unknown> {
  const nulls: readonly string[] = READ_BY_CREWS.filter((key) => metadata[key] === null);
  if (nulls.length === 0) return metadata;
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !nulls.includes(key)));
}

/**
 * Checks the edges, as far as the files say them. `present` has the ids of all files, so that a task with a broken file
 * is not called missing as well.
 */
function checkGraph(written: readonly Written[], present: ReadonlySet<string>): PlanFinding[] {
  const findings: PlanFinding[] = [];
  const known = new Map(written.map((each) => [each.id, each]));
  const blockers = new Map(written.map(({ id }) => [id, new Set<string>()]));

  for (const task of written) {
    for (const [field, mirror] of [
      ["blocks", "blockedBy"],
      ["blockedBy", "blocks"],
    ] as const) {
      for (const [i, other] of (task[field] ?? []).entries()) {
        if (other === null) continue;
        const say = (message: string) => findings.push({ file: `tasks/${task.id}.json`, field: `${field}[${i}]`, message });
        const there = known.get(other);
        if (other === task.id) say("names the task itself");
        else if (!present.has(other)) say(`there is no task "${other}"`);
        else if (there) {
          // A list that is not right throughout may have meant this task.
          const mirrored = there[mirror];
          if (mirrored && !mirrored.includes(null) && !mirrored.includes(task.id))
            say(`task ${other} does not name ${task.id} in its ${mirror}: the two files disagree`);
          if (field === "blocks") blockers.get(other)?.add(task.id);
          else blockers.get(task.id)?.add(other);
        }
      }
    }
  }
  const nodes = [...blockers].map(([id, blockedBy]) => ({ id, blockedBy: [...blockedBy] }));
  for (const cycle of findCycles(nodes)) {
    findings.push({
      file: `tasks/${cycle[0]}.json`,
      field: "blockedBy",
      message: `a cycle, no task of which can start: ${formatCycle(cycle)}`,
    });
  }
  return findings;
}

/** The whole tasks, in which both sides of each edge name it. */
function withBothSides(written: readonly Written[]): PlanTask[] {
  const known = new Map(written.map((each) => [each.id, each]));
  const add = (id: string, field: "blocks" | "blockedBy", other: string) => {
    const { task, [field]: said } = known.get(id) ?? {};
    if (task && said == null && !task[field].includes(other)) task[field] = [...task[field], other].sort(byId);
  };
  for (const { task } of written) {
    for (const id of task?.blocks ?? []) add(id, "blockedBy", task!.id);
    for (const id of task?.blockedBy ?? []) add(id, "blocks", task!.id);
  }
  return written.flatMap(({ task }) => task ?? []);
}
