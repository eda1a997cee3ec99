import { z } from "zod";
import { shown } from "../base/check-input.ts";
import { GLOB_RULES, globProblem, globsMeet, type ParsedGlob, parseGlob, parsePath } from "./globs.ts";
import { MAX_TOUCHES } from "./limits.ts";
import type { PlanTask } from "./types.ts";

// What a task writes, as its plan says it. It is a hint: it decides what is granted first and what is warned of, and
// keeps nobody from writing anything.

const Glob = GLOB_RULES.reduce(
  (schema, [pattern, message]) =>
    // One glob that is wrong is one finding.
    schema.regex(pattern, { error: ({ input }) => `${message}; it is ${shown(input)}`, abort: true }),
  z.string(),
);
/** The globs of a list in a task's file. */
export const Globs = z.array(Glob).max(MAX_TOUCHES);

/** The part of a task in which stands what it writes. */
type Says = Pick<PlanTask, "description" | "metadata">;

/**
 * Returns the globs of what a task writes: its `metadata.touches`, else its `metadata.files`, else what the lines
 * `Files:` of its description name. An empty list says nothing, so the next of the three counts. The result is empty
 * when the task does not tell.
 */
export function effectiveTouches(task: Says): readonly string[] {
  const before = told.get(task);
  if (before) return before;
  const { touches, files } = task.metadata;
  const globs = [touches, files].map(globsIn).find((some) => some.length > 0) ?? once(filesNamedIn(task.description));
  told.set(task, globs);
  return globs;
}

/** What tasks touch that were asked about before: a plan's warnings ask about each several times. */
const told = new WeakMap<Says, readonly string[]>();

/**
 * Returns the globs that a task declares by its `metadata.touches`, without what is only a hint of them. The result is
 * empty when there are none.
 */
export const declaredTouches = (metadata: Says["metadata"]): string[] => globsIn(metadata.touches);

const globsIn = (list: unknown): string[] => (Array.isArray(list) ? once(list.filter(isGlob)) : []);

/**
 * Tells whether two tasks may write the same path, by the globs of each. A task that says nothing of what it writes
 * overlaps with none.
 */
export const touchesOverlap = (a: readonly string[], b: readonly string[]): boolean =>
  parsed(a).some((one) => parsed(b).some((other) => globsMeet(one, other)));

/** Tells whether a path of the repository is among what a task writes by its globs. */
export function isTouched(touches: readonly string[], path: string): boolean {
  const wanted = parsePath(path);
  return parsed(touches).some((glob) => globsMeet(glob, wanted));
}

/** A line of a description that names files, perhaps as an entry of a list or in bold type. */
const FILES_LINE = /^[ \t]*(?:[-*+][ \t]+)?\**files?\**[ \t]*:\**[ \t]*(\S.*)$/gim;
/** What stands in such a line when there are no files. */
const NONE = /^(none|n\/a|-|tbd)$/i;

function filesNamedIn(description: string): string[] {
  return Array.from(description.matchAll(FILES_LINE), ([, list]) => list!)
    .flatMap((list) => list.split(","))
    .map((entry) => entry.trim().replace(/\s+\([^()]*\)$/, ""))
    .map((entry) => entry.replace(/^(["'`])(.*)\1$/, "$2").replace(/(?<=[^.])\.$/, ""))
    .filter((entry) => !/\s/.test(entry) && !NONE.test(entry) && isGlob(entry));
}

const isGlob = (entry: unknown): entry is string => typeof entry === "string" && globProblem(entry) === null;
const once = (globs: readonly string[]) => [...new Set(globs)].slice(0, MAX_TOUCHES);

/** The globs of lists that were looked at before: a scheduler compares the same ones many times. */
const known = new WeakMap<readonly string[], ParsedGlob[]>();

function parsed(touches: readonly string[]): ParsedGlob[] {
  const before = known.get(touches);
  if (before) return before;
  const globs = touches.map(parseGlob);
  known.set(touches, globs);
  return globs;
}
