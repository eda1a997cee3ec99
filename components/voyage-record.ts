import { type VoyageFolder, voyageFolder } from "../lib/base/paths.ts";
import { helmClient } from "../lib/daemons/helm-client.ts";
import { git } from "../lib/git/run.ts";
import type { Spend } from "../lib/protocol/status.ts";
import { shipState } from "../lib/voyage/ship-state.ts";
import { countTasks, readTaskRows, spendOfTasks, type TaskCounts } from "../lib/voyage/task-files.ts";

/** What an `up` saw at its end: tasks from the synced files, ships and the voyage's state from the helm, the tip from the repository. */
export type VoyageRecord = {
  state: string;
  tip: string;
  tasks: TaskCounts;
  /** By ship: what it is doing, and its task. */
  ships: Record<string, { state: string; task: string | null }>;
  /** From the helm, else what the task files say; null when they say nothing. */
  spend: Spend | null;
  asOf: string;
};

/** Never throws because the helm is down: then `state` is `unknown`, and so are the ships' (design 4). */
export async function readVoyageRecord(stack: string, voyageId: string): Promise<VoyageRecord> {
  const folder = voyageFolder(stack);
  const [rows, tip, status] = await Promise.all([
    readTaskRows(folder),
    tipOf(folder, stack),
    helmClient()
      .voyage(voyageId)
      .catch(() => null),
  ]);
  const ships = Object.fromEntries((status?.ships ?? []).map((row) => [row.ship, { state: shipState(row), task: row.task }]));
  const spend = status?.spend ?? spendOfTasks(rows);
  return { state: status?.state ?? "unknown", tip, tasks: countTasks(rows), ships, spend, asOf: new Date().toISOString() };
}

const tipOf = async (folder: VoyageFolder, branch: string) =>
  git(["rev-parse", `refs/heads/${branch}`], { gitDir: folder.repo }).then(
    (result) => result.stdout.trim(),
    () => "unknown",
  );
