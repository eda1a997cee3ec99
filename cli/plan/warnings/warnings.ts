import type { PlanFinding } from "../../../lib/plan/findings.ts";
import type { PlanReading } from "../../../lib/plan/load.ts";
import type { PlanTask } from "../../../lib/plan/types.ts";
import { overlaps } from "./overlaps.ts";
import { untouchedPaths } from "./text-paths.ts";

/** The minutes past which a task is better cut into several. */
const LONG_MINUTES = 30;
/** The most tasks or paths that one warning names. */
const NAMED = 3;

/** Finds what in a plan is probably not meant, and yet keeps it from nothing. Changes nothing. */
export function warningsOf(plan: PlanReading): PlanFinding[] {
  const isSound = plan.tasks.length > 0 && !plan.findings.some(({ file }) => file.startsWith("tasks"));
  return [
    ...aboutSpec(plan),
    ...aboutChecks(plan),
    ...sameSubjects(plan.tasks),
    ...plan.tasks.flatMap(aboutTask),
    ...(isSound ? [...apart(plan.tasks), ...atOnce(plan)] : []),
  ];
}

const inTask = (id: string, field: string, message: string): PlanFinding => ({ file: `tasks/${id}.json`, field, message });

/** A spec says what the voyage is for, by a heading or an objective, and in at least one more line. */
function aboutSpec({ spec }: PlanReading): PlanFinding[] {
  if (spec === null) return [];
  const lines = spec.split("\n").map((line) => line.trim());
  const isNamed = lines.some((line) => /^#{1,6}\s+\S|^\**objective\**\s*:\**\s*\S/i.test(line));
  const isSaid = lines.some((line) => line !== "" && !/^#{1,6}(\s|$)|^(---|===)/.test(line));
  if (isNamed && isSaid) return [];
  const what = isNamed ? "has headings only" : "has no heading, and no line Objective: …";
  return [{ file: "spec.md", field: "", message: `${what}, and so does not say what the voyage is to reach` }];
}

/** Without a check a task is accepted whatever it did; without verify.sh nobody looks at the whole. */
function aboutChecks({ verify, tasks, findings }: PlanReading): PlanFinding[] {
  const warnings: PlanFinding[] = [];
  if (verify === null && !findings.some(({ file }) => file === "verify.sh"))
    warnings.push({ file: "verify.sh", field: "", message: "is missing: nothing proves the result as a whole" });
  const without = tasks.filter(({ metadata }) => !metadata.check);
  const why = "what it delivers is accepted without a look at it";
  if (without.length === tasks.length && tasks.length > 1)
    warnings.push({
      file: "tasks",
      field: "",
      message: `none has a metadata.check: what they deliver is accepted without a look at it`,
    });
  else warnings.push(...without.map(({ id }) => inTask(id, "metadata.check", `is missing: ${why}`)));
  return warnings;
}

function sameSubjects(tasks: readonly PlanTask[]): PlanFinding[] {
  const first = new Map<string, string>();
  return tasks.flatMap(({ id, subject }) => {
    const key = subject.trim().toLowerCase();
    const other = first.get(key);
    if (other === undefined) first.set(key, id);
    return other === undefined ? [] : [inTask(id, "subject", `is that of task ${other}, too`)];
  });
}

function aboutTask(task: PlanTask): PlanFinding[] {
  const warnings: PlanFinding[] = [];
  const { estimateMinutes } = task.metadata;
  if (typeof estimateMinutes === "number" && estimateMinutes > LONG_MINUTES)
    warnings.push(
      inTask(
        task.id,
        "metadata.estimateMinutes",
        `is ${estimateMinutes}: more than ${LONG_MINUTES} minutes are better several tasks`,
      ),
    );
  const paths = untouchedPaths(task);
  for (const field of ["subject", "description"] as const) {
    const named = paths.filter((each) => each.field === field).map(({ path }) => path);
    if (named.length > 0) warnings.push(inTask(task.id, field, `names ${some(named)}, which its metadata.touches does not`));
  }
  return warnings;
}

/** Finds tasks that hang together with no other, where one at the end brings others together. */
function apart(tasks: readonly PlanTask[]): PlanFinding[] {
  const last = tasks.find(({ blocks, blockedBy }) => blocks.length === 0 && blockedBy.length > 1);
  if (!last) return [];
  return tasks
    .filter(({ blocks, blockedBy }) => blocks.length === 0 && blockedBy.length === 0)
    .map(({ id }) =>
      inTask(id, "blockedBy", `it waits for nothing and nothing waits for it, although task ${last.id} brings others together`),
    );
}

function atOnce({ tasks, reach }: PlanReading): PlanFinding[] {
  const { found, isWhole } = overlaps(tasks, reach);
  const warnings = found.map(({ task, others, glob }) =>
    inTask(
      task,
      "metadata.touches",
      `it writes ${glob}, and so may ${others.length === 1 ? "task" : "tasks"} ${some(others)} at the same time: let one wait for the other`,
    ),
  );
  if (!isWhole)
    warnings.push({ file: "tasks", field: "", message: "touch so much that not all that may be written at once was looked at" });
  return warnings;
}

const some = (names: readonly string[]) =>
  names.length <= NAMED ? names.join(", ") : `${names.slice(0, NAMED).join(", ")} and ${names.length - NAMED} more`;
