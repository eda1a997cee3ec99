import { git } from "./git/run.ts";
import { helmClient } from "./helm-client.ts";
import { type VoyageFolder, voyageFolder } from "./paths.ts";
import { readVoyageStatus, type TaskCounts } from "./status.ts";

/** What an `up` saw at its end: tasks from the synced files, ships and the voyage's state from the helm, the tip from the repository. */
export type VoyageRecord = {
  state: string;
  tip: string;
  tasks: TaskCounts;
  /** By ship: what it is doing, and its task. */
  ships: Record<string, { state: string; task: string | null }>;
  asOf: string;
};

/** Never throws because the helm is down: then `state` is `unknown`, and so are the ships' (design 4). */
export async function readVoyageRecord(stack: string, voyageId: string): Promise<VoyageRecord> {
  const folder = voyageFolder(stack);
  const [tasks, tip, status] = await Promise.all([
    readVoyageStatus(folder),
    tipOf(folder, stack),
    helmClient()
      .voyage(voyageId)
      .catch(() => null),
  ]);
  const ships = Object.fromEntries((status?.ships ?? []).map(({ ship, state, task }) => [ship, { state, task }]));
  return { state: status?.state ?? "unknown", tip, tasks, ships, asOf: new Date().toISOString() };
}

const tipOf = async (folder: VoyageFolder, branch: string) =>
  git(["rev-parse", `refs/heads/${branch}`], { gitDir: folder.repo }).then(
    (result) => result.stdout.trim(),
    () => "unknown",
  );
