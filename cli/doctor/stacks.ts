import { execa } from "execa";
import { z } from "zod";
import { PROJECT } from "../../lib/base/program-file.ts";
import type { VoyageIdentity } from "../../lib/voyage/identity.ts";
import { type Finding, found } from "./finding.ts";

const LIST_MS = 15_000;
const Stacks = z.array(
  z.looseObject({ name: z.string(), resourceCount: z.number().nullish(), updateInProgress: z.boolean().nullish() }),
);

/**
 * Checks that a stack knows of each voyage at sea. A voyage that no stack knows (its state was lost, or is in another
 * backend) is not healed, scaled or sunk by anything that is typed here. Changes nothing, and asks Pulumi only when a
 * voyage is at sea.
 */
export async function lookAtStacks(voyages: readonly VoyageIdentity[]): Promise<Finding[]> {
  const afloat = voyages.filter(({ sunkAt }) => !sunkAt);
  if (afloat.length === 0) return [];
  const listed = await execa("pulumi", ["stack", "ls", "--json", "--project", "ocaptain", "--non-interactive"], {
    cwd: PROJECT,
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    reject: false,
    stdin: "ignore",
    timeout: LIST_MS,
  });
  if (listed.code === "ENOENT") return []; // told among the tools
  const stacks = listed.failed ? null : readStacks(listed.stdout);
  if (!stacks) {
    const why = /^error: (.*)/m.exec(listed.stderr)?.[1] ?? listed.shortMessage ?? "no answer";
    const message = `pulumi does not list them in this shell, so nothing is known of ${namesOf(afloat)}: ${why}`;
    return [found("voyages", "stacks", "wrong", message, "pulumi login  # to the backend in which the stacks are")];
  }
  const known = new Set(
    stacks.filter((stack) => stack.resourceCount || stack.updateInProgress).map(({ name }) => name.split("/").at(-1)),
  );
  return afloat
    .filter(({ stack }) => !known.has(stack))
    .map(({ stack }) => {
      const isThere = stacks.some(({ name }) => name.split("/").at(-1) === stack);
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

function readStacks(text: string): z.infer<typeof Stacks> | null {
  try {
    return Stacks.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

const namesOf = (voyages: readonly VoyageIdentity[]) => voyages.map(({ stack }) => stack).join(", ");
