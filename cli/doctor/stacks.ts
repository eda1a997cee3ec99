import type { VoyageIdentity } from "../../lib/voyage/identity.ts";
import { listStacks } from "../leftovers/stacks.ts";
import { type Finding, found } from "./finding.ts";

/**
 * Checks that a stack knows of each voyage at sea. A voyage that no stack knows (its state was lost, or is in another
 * backend) is not healed, scaled or sunk by anything that is typed here. Changes nothing, and asks Pulumi only when a
 * voyage is at sea.
 */
export async function lookAtStacks(voyages: readonly VoyageIdentity[]): Promise<Finding[]> {
  const afloat = voyages.filter(({ sunkAt }) => !sunkAt);
  if (afloat.length === 0) return [];
  const stacks = await listStacks();
  if (!stacks) return []; // told among the tools
  if (stacks.why !== undefined) {
    const message = `pulumi does not list them in this shell, so nothing is known of ${namesOf(afloat)}: ${stacks.why}`;
    return [found("voyages", "stacks", "wrong", message, "pulumi login  # to the backend in which the stacks are")];
  }
  return afloat
    .filter(({ stack }) => !stacks.withResources.has(stack))
    .map(({ stack }) => {
      const isThere = stacks.all.has(stack);
      const message = isThere
        ? "sails, and its stack knows nothing of it: its state was lost"
        : "sails, and no stack of that name is in this shell's backend: its state was lost, or is elsewhere";
      const up = `pulumi up -s ${stack}  # it takes the voyage on again, or says how`;
      return found(
        "voyages",
        stack,
        "wrong",
        message,
        isThere ? up : `pulumi stack init ${stack} && ${up}; where its state is elsewhere: pulumi login, to that backend`,
      );
    });
}

const namesOf = (voyages: readonly VoyageIdentity[]) => voyages.map(({ stack }) => stack).join(", ");
