import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkInput, formatProblems } from "../../lib/base/check-input.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { typedWord } from "../../lib/base/shell-word.ts";
import { byId } from "../../lib/plan/graph.ts";
import { MAX_ID_DIGITS, MAX_TASKS } from "../../lib/plan/limits.ts";
import { readPlan } from "../../lib/plan/load.ts";
import { TaskFile } from "../../lib/plan/schema.ts";
import { shellProblems } from "../../lib/plan/shell-syntax.ts";
import { type Fix, JsonFile } from "./json-file.ts";
import { schemasFor } from "./schemas.ts";

/** The fields of a task that is to be added. */
export type NewTask = {
  subject: string;
  description: string;
  blockedBy: string[];
  check?: string | undefined;
  touches?: string[] | undefined;
  estimateMinutes?: number | undefined;
};

/**
 * Adds a task with the next free id to a plan's folder. Where other files say what it changes for them, as the list
 * `blocks` of a task that it waits for and the count of tasks do, they are brought in line.
 * @param word  the folder as it was typed, for hints
 * @throws OcaptainError BAD_PLAN where the plan is broken already, or would be
 */
export async function addTask(
  folder: string,
  word: string,
  task: NewTask,
): Promise<{ file: string; text: string; changed: Fix[] }> {
  const refuse = (message: string, hint = "ocaptain plan add --help") => new OcaptainError("BAD_PLAN", message, { hint });
  const { findings, tasks } = await readPlan(folder);
  const [broken] = findings.filter(({ file }) => /^(\.$|tasks\/|voyage\.json)/.test(file));
  if (broken)
    throw refuse(
      `nothing was added, as plan ${word} is broken: ${broken.file}${broken.field && ` ${broken.field}`}: ${broken.message}`,
      `ocaptain plan check ${typedWord(word)}`,
    );
  const ids = (await readdir(join(folder, "tasks")).catch(() => [])).flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []);
  const id = String(Math.max(0, ...ids.map(Number)) + 1);
  if (id.length > MAX_ID_DIGITS || ids.length >= MAX_TASKS)
    throw refuse(`nothing was added: plan ${word} has no room for a task ${id}`);
  const missing = task.blockedBy.filter((other) => !tasks.some((each) => each.id === other));
  if (missing.length > 0)
    throw refuse(`nothing was added: plan ${word} has no task ${missing.join(", ")}`, `ocaptain plan show ${typedWord(word)}`);
  const { subject, description, check, touches, estimateMinutes } = task;
  const schemas = schemasFor(folder);
  const body = {
    ...(schemas !== undefined && { $schema: `../${schemas}/task.json` }),
    ...{ id, subject, description, blockedBy: [...new Set(task.blockedBy)].sort(byId) },
    metadata: { ...(check !== undefined && { check }), ...(touches && { touches }), ...(estimateMinutes && { estimateMinutes }) },
  };
  const checked = checkInput(TaskFile, body);
  if ("problems" in checked) throw refuse(`nothing was added: ${formatProblems(checked.problems)}`);
  const [unread] = check === undefined ? [] : await shellProblems([{ file: "", field: "", text: check }]);
  if (unread) throw refuse(`nothing was added: --check: ${unread.message}`);

  const text = `${JSON.stringify(body, null, 2)}\n`;
  const file = join(folder, "tasks", `${id}.json`);
  // What is written second follows from this file, so that `check --fix` ends what was cut off between the two.
  await writeFile(file, text, { flag: "wx" });
  return { file, text, changed: await bringInLine(folder, id, body.blockedBy, ids.length + 1) };
}

async function bringInLine(folder: string, id: string, blockedBy: readonly string[], count: number): Promise<Fix[]> {
  const changed: Fix[] = [];
  for (const blocker of blockedBy) {
    const other = await JsonFile.open(folder, `tasks/${blocker}.json`);
    if (!other || !Array.isArray(other.value.blocks)) continue;
    other.set(["blocks"], [...other.value.blocks, id], `now has ${id}`);
    await other.save();
    changed.push(...other.fixes);
  }
  const voyage = await JsonFile.open(folder, "voyage.json");
  if (voyage && typeof voyage.value.total_tasks === "number") {
    voyage.set(["total_tasks"], count, `is now ${count}`);
    await voyage.save();
    changed.push(...voyage.fixes);
  }
  return changed;
}
