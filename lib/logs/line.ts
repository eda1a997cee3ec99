import { z } from "zod";

/** A line of a ship's log. */
export type LogLine = {
  /**
   * The time of the line, ISO 8601. {@link LogLine.atIs} says which time it is: only the supervisor's lines have one of
   * their own.
   */
  at: string;
  /**
   * `line`: it was written with the line. `claim`: the task was claimed then. `arrival`: the line (or, at the first
   * look, its file) came home then.
   */
  atIs: "line" | "claim" | "arrival";
  ship: string;
  incarnation: string;
  /** The file's name without its ending: `supervisor`, `task-<id>-<epoch>`, `verify-<n>`. */
  source: string;
  task: string | null;
  /** The supervisor's word for what happened: `claimed`, `accepted`, … */
  event: string | null;
  text: string;
};

export type LogFile = { path: string; ship: string; incarnation: string; source: string; journal: boolean };

export const taskOf = (source: string) => /^task-(\d+)-\d+$/.exec(source)?.[1] ?? null;
/** The source that a supervisor's line is about: `task-3-1` for task 3, epoch 1. */
export const sourceOf = (facts: { task?: unknown; epoch?: unknown }) => `task-${facts.task}-${facts.epoch}`;

const Journal = z.object({
  at: z.iso.datetime({ offset: true }),
  event: z.string().regex(/^[a-z][a-z-]{0,63}$/),
  text: z.string(),
  task: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional(),
  epoch: z.int().positive().optional(),
});

/**
 * Reads a line of `supervisor.jsonl`. What is no such JSON (cut off, or an agent's doing) is shown as it is, with the
 * time of its file.
 */
export function journalLine(file: LogFile, text: string, otherwiseAt: string): LogLine & { epoch?: number | undefined } {
  const { ship, incarnation, source } = file;
  const said = Journal.safeParse(parse(text)).data;
  if (said)
    return {
      at: new Date(said.at).toISOString(),
      atIs: "line",
      ship,
      incarnation,
      source,
      task: said.task ?? null,
      event: said.event,
      text: said.text,
      epoch: said.epoch,
    };
  return { at: otherwiseAt, atIs: "arrival", ship, incarnation, source, task: null, event: null, text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function outputLine(file: LogFile, text: string, at: string, atIs: LogLine["atIs"]): LogLine {
  const { ship, incarnation, source } = file;
  return { at, atIs, ship, incarnation, source, task: taskOf(source), event: null, text };
}
