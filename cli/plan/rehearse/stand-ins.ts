import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PlanTask } from "../../../lib/plan/types.ts";

/** What stands in for the work of a task that has no rehearsal: it leaves a file, so that there is a commit. */
const STAND_IN = 'mkdir -p rehearsal && printf "%s\\n" "$TASK_SUBJECT" > "rehearsal/$TASK_ID.txt"';

/**
 * Copies a plan's folder so that each of its tasks can be done without a model. A task without a `rehearsal` gets one
 * that leaves a file. Its check is taken out, as it asks for what only the real work makes: that it failed would tell
 * nothing. Returns the ids of those tasks.
 */
export async function copyWithStandIns(folder: string, to: string, tasks: readonly PlanTask[]): Promise<Set<string>> {
  await cp(folder, to, { recursive: true, dereference: true });
  const stoodIn = new Set<string>();
  for (const { id, metadata } of tasks) {
    if (metadata.rehearsal) continue;
    stoodIn.add(id);
    const file = join(to, "tasks", `${id}.json`);
    const task = JSON.parse(await readFile(file, "utf8")) as { metadata?: object | null };
    const { check: _, ...rest } = (task.metadata ?? {}) as { check?: string };
    await writeFile(file, JSON.stringify({ ...task, metadata: { ...rest, rehearsal: STAND_IN } }));
  }
  return stoodIn;
}
