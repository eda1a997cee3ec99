import { relative } from "node:path";
import { all, type Output } from "@pulumi/pulumi";
import { type VoyageFolder, voyageFolder, voyagesRoot } from "../lib/base/paths.ts";
import { helmClient } from "../lib/daemons/helm-client.ts";
import { git } from "../lib/git/run.ts";
import type { Plan } from "../lib/plan/types.ts";
import type { Spend } from "../lib/protocol/status.ts";
import { shipState } from "../lib/voyage/ship-state.ts";
import { countTasks, readTaskRows, spendOfTasks, type TaskCounts, withFormerNames } from "../lib/voyage/task-files.ts";
import type { Voyage } from "./voyage.ts";

/**
 * The stack's outputs: what this `up` saw after its last resource, at the time `asOf`. None of it is a resource's
 * property, so a second `up` changes nothing. No path is absolute, because a stack's state can be read on another
 * machine: `workspace` is relative to the folder of all voyages (`~/voyages`, or OCAPTAIN_VOYAGES), and `ocaptain
 * status` shows it in full.
 */
export function voyageOutputs(stack: string, plan: Plan, fleet: Voyage) {
  const addresses = all(fleet.ships.map((ship) => ship.address));
  const record: Output<VoyageRecord> = all([fleet.voyageId, addresses]).apply(([id]) => readVoyageRecord(stack, id));
  const ships = all(
    fleet.ships.map(({ ship, incarnation, address }) =>
      all([incarnation, address]).apply(([id, at]) => ({ name: ship, id, address: at })),
    ),
  );
  return {
    voyage: all([fleet.voyageId, fleet.branch, record]).apply(([id, branch, { state, tip }]) => ({
      id,
      state,
      repo: plan.repo,
      branch,
      tip,
    })),
    ships: all([ships, record]).apply(([rows, { ships: seen }]) =>
      rows.map((row) => ({ ...row, state: seen[row.name]?.state ?? "unknown", task: seen[row.name]?.task ?? null })),
    ),
    tasks: record.apply(({ tasks }) => withFormerNames(tasks)),
    spend: record.apply(({ spend }) => spend),
    workspace: all([addresses]).apply(() => relative(voyagesRoot(), voyageFolder(stack).workspace)),
    helm: fleet.helmUrl,
    asOf: record.apply(({ asOf }) => asOf),
  };
}

/**
 * What an `up` saw at its end: tasks from the synced files, ships and the voyage's state from the helm, the branch's
 * tip from the repository.
 */
type VoyageRecord = {
  state: string;
  tip: string;
  tasks: TaskCounts;
  /** Each ship's state and task, by the ship's name. */
  ships: Record<string, { state: string; task: string | null }>;
  /** The spend as the helm reports it, or else as the task files add up to; null when they record none. */
  spend: Spend | null;
  /** The time of the reading, as ISO 8601. */
  asOf: string;
};

/**
 * Reads what an `up` saw. A helm that does not answer is no error: `state` is then `unknown`, and so is each ship's.
 */
async function readVoyageRecord(stack: string, voyageId: string): Promise<VoyageRecord> {
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
