import { relative } from "node:path";
import { all, type Output } from "@pulumi/pulumi";
import { voyageFolder, voyagesRoot } from "../lib/base/paths.ts";
import type { Plan } from "../lib/plan/types.ts";
import { withFormerNames } from "../lib/voyage/task-files.ts";
import type { Voyage } from "./voyage.ts";
import { readVoyageRecord, type VoyageRecord } from "./voyage-record.ts";

/**
 * The stack's outputs: what this `up` saw after its last resource, stamped `asOf` (design 4). None of it is a resource property, so a
 * second `up` changes nothing. No absolute path: a stack's state can be read on another machine (design 16). So `workspace` is the way from the folder of
 * all voyages (`~/voyages`, or OCAPTAIN_VOYAGES); `ocaptain status` tells it in full.
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
