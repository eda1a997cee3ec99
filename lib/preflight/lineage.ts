import type { PreflightFinding } from "../base/finding.ts";
import { voyageFolder } from "../base/paths.ts";
import { FIRST_FOLLOW_UP } from "../plan/follow-up.ts";
import { anotherPlan, type Lineage, readLineage, takenNumbers } from "../plan/lineage.ts";
import type { Plan } from "../plan/types.ts";
import type { VoyageIdentity } from "../voyage/identity.ts";
import { waysOut } from "../voyage/repository.ts";

/**
 * Finds out whether a plan is a later text of the one that the voyage has sailed so far. If it is not, its tasks would
 * pass for done because others had their numbers.
 */
export function lineageFindings(what: string, plan: Plan, voyage: VoyageIdentity): PreflightFinding[] {
  const { voyageId, stack } = voyage;
  const lineage = readLineage(voyageFolder(stack).ledger);
  if (!lineage) return [];
  const taken = takenNumbers(plan, lineage).map(({ task, followUp }) => ({
    what: `${what}/tasks/${task.id}.json`,
    message: `has the number of a task that was added to voyage ${voyageId} beside its plan: ${followUp.id} is "${followUp.subject}" there, and "${task.subject}" here`,
    hint: `give it another number, lower than ${FIRST_FOLLOW_UP}`,
  }));
  return [...taken, ...otherPlanFindings(what, plan, voyage, lineage)];
}

function otherPlanFindings(what: string, plan: Plan, voyage: VoyageIdentity, lineage: Lineage): PreflightFinding[] {
  const { voyageId, stack } = voyage;
  const another = anotherPlan(plan, lineage);
  if (!another) return [];
  const done = lineage.granted.filter(({ status }) => status === "accepted").length;
  const has = `voyage ${voyageId} of stack "${stack}" sails the plan "${lineage.name}" (tasks done: ${done})`;
  if (another.renamed && plan.orders)
    return [
      {
        what,
        message: `${has}, and no plan is named now: a sail without one would take its place`,
        hint: waysOut(voyage, `go on with that plan: pulumi config set ocaptain:plan -s ${stack}, which asks for its folder`),
      },
    ];
  if (another.renamed)
    return [
      {
        what,
        message: `${has}, and this plan is "${plan.name}": its tasks have the same numbers and would pass for done`,
        hint: waysOut(
          voyage,
          `go on with that plan (if it is this one: "name": ${JSON.stringify(lineage.name)} in its voyage.json)`,
        ),
      },
    ];
  return another.others.map(({ id, was, is }) => ({
    what: `${what}/tasks/${id}.json`,
    message: `${has}; its task ${id} was done as "${was}", and is "${is}" now: another task, which would pass for done`,
    hint: waysOut(voyage, "give it a number of its own, and leave the done one as it was"),
  }));
}

/**
 * Tells, for a preview, what is kept of a voyage that has sunk. Nothing else there says that not everything is made
 * again.
 */
export function keptOf(voyage: VoyageIdentity): string | null {
  const lineage = readLineage(voyageFolder(voyage.stack).ledger);
  const done = lineage?.granted.filter(({ status }) => status === "accepted") ?? [];
  const folder = voyageFolder(voyage.stack).root;
  const tasks = done.map(({ task }) => task.id).join(", ");
  return [
    `Voyage ${voyage.voyageId}, which has sunk, goes on: ${folder} is kept, with its branch and its ledger.`,
    done.length > 0 ? `  Tasks that stay done: ${tasks}` : "  No task is done yet.",
    `  To begin anew instead (the folder is put aside): pulumi config set ocaptain:beginAnew ${voyage.voyageId} -s ${voyage.stack}`,
  ].join("\n");
}
