import type { VoyageFolder } from "../../lib/base/paths.ts";
import { countTasks, readTaskRows, type TaskCounts } from "../../lib/voyage/task-files.ts";

/** Counts the tasks of a voyage by the task files in its folder. */
export async function taskCounts(folder: VoyageFolder): Promise<TaskCounts> {
  return countTasks(await readTaskRows(folder));
}
