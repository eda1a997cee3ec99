import { OcaptainError } from "../lib/base/errors.ts";
import { helmClient } from "../lib/daemons/helm-client.ts";
import type { Plan, PlanChanges } from "../lib/plan/types.ts";
import { readVoyageIdentity } from "../lib/voyage/identity.ts";

const WORDS: Record<Exclude<keyof PlanChanges, "followUps">, string> = {
  added: "added",
  updated: "updated",
  cancelled: "cancelled, as the plan has them no more",
  kept: "kept on their old text, as they are claimed or accepted",
};

/**
 * Says, for a preview, what this plan would change in the ledger of a voyage at sea: a line for each kind of change,
 * with the tasks' ids. Resolves to null when it would change nothing, or when there is no voyage yet. It starts no
 * helm; when the helm does not answer, the text says so.
 */
export async function planNews(stack: string, plan: Plan): Promise<string | null> {
  const voyage = await readVoyageIdentity(stack);
  if (!voyage || voyage.sunkAt) return null;
  try {
    const changes = await helmClient().planChanges(voyage.voyageId, plan);
    const { followUps = [] } = changes;
    const beside = `Tasks that were added beside the plan, and go on: ${followUps.join(", ")}`;
    const lines = (Object.keys(WORDS) as (keyof typeof WORDS)[])
      .filter((kind) => changes[kind].length > 0)
      .map((kind) => `  ${WORDS[kind]}: ${changes[kind].join(", ")}`);
    const news = [
      ...(lines.length > 0 ? ["The plan has changed. Tasks:", ...lines] : []),
      ...(followUps.length > 0 ? [beside] : []),
    ];
    return news.length === 0 ? null : news.join("\n");
  } catch (error) {
    if (error instanceof OcaptainError && error.code === "NO_VOYAGE") return null;
    return `What the plan changes is not known, as the helm does not answer; up starts it. (${(error as Error).message})`;
  }
}
