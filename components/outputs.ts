import { relative } from "node:path";
import { all, type Output } from "@pulumi/pulumi";
import { counted } from "../lib/base/counted.ts";
import { type VoyageFolder, voyageFolder, voyagesRoot } from "../lib/base/paths.ts";
import { usd } from "../lib/base/text.ts";
import { helmClient } from "../lib/daemons/helm-client.ts";
import { git } from "../lib/git/run.ts";
import type { Plan } from "../lib/plan/types.ts";
import type { Spend, TaskRow, VoyageState, VoyageStatus } from "../lib/protocol/status.ts";
import { costText } from "../lib/voyage/cost-text.ts";
import { countTasks, readTaskRows, spendOfTasks, type TaskCounts, withFormerNames } from "../lib/voyage/task-files.ts";
import { shipState } from "../lib/watch/ship-state.ts";
import type { Voyage } from "./voyage.ts";

/**
 * The stack's outputs: what this `up` saw after its last resource. None of it is a resource's property, so a second
 * `up` changes nothing. No path is absolute, because a stack's state can be read on another machine: `workspace` is
 * relative to the folder of all voyages (`~/voyages`, or OCAPTAIN_VOYAGES), and `ocaptain status` shows it in full.
 *
 * @param seen  is told what was seen, once that is known
 */
export function voyageOutputs(stack: string, plan: Plan, fleet: Voyage, seen: (record: VoyageRecord) => void = () => {}) {
  const addresses = all(fleet.ships.map((ship) => ship.address));
  const record: Output<VoyageRecord> = all([fleet.voyageId, addresses]).apply(async ([id]) => {
    const record = await readVoyageRecord(stack, id);
    seen(record);
    return record;
  });
  const ships = all(
    fleet.ships.map(({ ship, incarnation, address }) =>
      all([incarnation, address]).apply(([id, at]) => ({ name: ship, id, address: at })),
    ),
  );
  return {
    summary: record.apply(summaryOf),
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
export type VoyageRecord = {
  state: VoyageState | "unknown";
  tip: string;
  tasks: TaskCounts;
  /** Each ship's state and task, by the ship's name. */
  ships: Record<string, { state: string; task: string | null }>;
  /** The spend as the helm reports it, or else as the task files add up to; null where nothing was spent or bounded. */
  spend: Spend | null;
  /**
   * The last time at which something of this changed or a ship was heard of, as ISO 8601. It is not the time of the
   * reading, so that an `up` of a voyage that rests changes no output.
   */
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
  const ships = Object.fromEntries(
    (status?.ships ?? []).map((row) => [row.ship, { state: shipState(row, status!), task: row.task }]),
  );
  const spend = status?.spend ?? spendOfTasks(rows);
  return {
    state: status?.state ?? "unknown",
    tip,
    tasks: countTasks(rows),
    ships,
    spend: spend && (spend.turns > 0 || spend.costUsd > 0 || spend.budgetUsd !== null) ? spend : null,
    asOf: lastChange(rows, status),
  };
}

/** All times that are compared are ISO 8601, of one clock. */
const lastChange = (rows: readonly TaskRow[], status: VoyageStatus | null): string =>
  [...rows.map((row) => row.changedAt), ...(status?.ships ?? []).map((row) => row.lastSeenAt), status?.verified?.at]
    .filter((at) => typeof at === "string")
    .sort()
    .at(-1) ?? new Date().toISOString();

/** The record in one line: `verified: 5 of 5 tasks accepted; 2 ships, 2 asleep`. */
export function summaryOf({ state, tasks, ships, spend }: VoyageRecord): string {
  const states = Object.values(ships).map((ship) => ship.state);
  const kinds = [...new Set(states)].sort().map((kind) => `${states.filter((state) => state === kind).length} ${kind}`);
  const others = (["claimed", "pending", "blocked"] as const)
    .filter((kind) => tasks[kind] > 0)
    .map((kind) => `${tasks[kind]} ${kind}`);
  const parts = [
    [`${tasks.accepted} of ${counted(tasks.total - tasks.cancelled, "task")} accepted`, ...others].join(", "),
    [counted(states.length, "ship"), ...kinds].join(", "),
    ...(spend ? [`${costText(spend)} spent${spend.budgetUsd === null ? "" : ` of ${usd(spend.budgetUsd)}`}`] : []),
  ];
  return `${state}: ${parts.join("; ")}`;
}

const tipOf = async (folder: VoyageFolder, branch: string) =>
  git(["rev-parse", `refs/heads/${branch}`], { gitDir: folder.repo }).then(
    (result) => result.stdout.trim(),
    () => "unknown",
  );
