import { OcaptainError } from "../../../lib/base/errors.ts";

/** The formats that can be imported, by the names that `--from` takes and `metadata.source` begins with. */
export const FORMATS = ["spec-kit", "openspec", "task-master", "beads", "backlog", "github"] as const;
export type Format = (typeof FORMATS)[number];

/** A text of a source, by the name that messages give it, such as `specs/001-login/tasks.md`. */
export type SourceFile = { name: string; text: string };

/** A task as its own format has it. */
export type SourceTask = {
  /** The id that the task has in its format, such as `T012` or `5.2`. */
  id: string;
  /** What is to be done, in one line. */
  title: string;
  /** All that who does it must know, the title included where that was cut. */
  text: string;
  /** Whether the task is part of the plan: a done one is not, nor is one that its format has put off or called off. */
  state: "open" | "done" | "off";
  /** The state in the source's own word, such as `deferred`. */
  status: string;
  /** The ids of the tasks for which the source says that this one waits. */
  after: string[];
  /** The globs of what the task writes, as its text or its fields name it. */
  touches: string[];
  estimateMinutes?: number;
  /** The name of the file in which the status stands; "" where that is no file. */
  file: string;
  /** The line in which the task begins, where it is known. */
  line?: number;
};

/** An order that the source does not state, and why it was chosen. */
export type Guess = { task: string; after: string; why: string };

/** A task that the source divides into parts, which stand in its place: an epic, or one with subtasks. */
export type Whole = Pick<SourceTask, "id" | "title" | "state" | "file"> & { parts: string[] };

/** What a reader makes of a source, whatever the format is. */
export type Source = {
  /** What all of it is for, in one line; "" where the format does not tell. */
  title: string;
  /** What stands before a task's id in `metadata.source`, such as the repository of an issue. */
  scope?: string;
  /** Which list of the file was read, where it has several. */
  list?: string;
  /** Every task of the source but for the wholes, in its order. */
  tasks: SourceTask[];
  wholes: Whole[];
  guesses: Guess[];
  /** The format's own documents, from which spec.md is made. */
  documents: SourceFile[];
  /** What was guessed beside the order, or left out, in whole sentences. */
  notes: string[];
};

/** Makes the error of a source that is not in its format. */
export const badSource = (file: string, line: number | undefined, message: string) =>
  new OcaptainError("SOURCE", `${file}${line === undefined ? "" : `:${line}`}: ${message}`);

/** Refuses ids that stand twice, since nobody could tell which task is meant. @throws OcaptainError SOURCE */
export function refuseTwins(tasks: readonly { id: string; file: string; line?: number | undefined }[]): void {
  const first = new Map<string, number | undefined>();
  for (const { id, file, line } of tasks) {
    if (first.has(id)) {
      const other = first.get(id);
      throw badSource(file, line, `task ${id} stands twice${other === undefined ? "" : `, the first time in line ${other}`}`);
    }
    first.set(id, line);
  }
}
