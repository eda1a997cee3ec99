import type { VoyageState, VoyageStatus } from "../protocol/status.ts";

/** The evidence for a voyage's state, in words; the state itself is derived by the helm (helm/voyage/status.ts). */
const KNOWN_BY: Record<VoyageState, string> = {
  planning: "no ship has said hello yet",
  sailing: "work is left, and ships are there or are being woken",
  stalled: "work is left, and no ship is there",
  paused: "the captain has paused it",
  blocked: "all that is left waits for a blocked task",
  "needs-captain": "an agent has asked",
  limited: "ships have told of a usage limit that holds all of them",
  budget: "what was spent has reached the budget",
  lost: "work is left, and every ship is lost or fenced",
  verifying: "all tasks are done, and verify.sh has no result for this tip",
  verified: "verify.sh has succeeded at this tip",
  failed: "verify.sh has failed at this tip",
  done: "all tasks are done, and there is no verify.sh",
  sunk: "a destroy has proved the fleet gone",
};

/** How a voyage's state is known, and since when it is so, as far as anybody knows. */
export function evidenceOf(status: VoyageStatus): { knownBy: string; since: string | null } {
  return { knownBy: KNOWN_BY[status.state], since: sinceOf(status) };
}

/** The evidence for the state of a voyage of which the helm cannot be asked. @param sunkAt  when it has sunk */
export const evidenceOfFiles = (sunkAt: string | undefined): { knownBy: string; since: string | null } =>
  sunkAt === undefined ? { knownBy: "the helm cannot be asked", since: null } : { knownBy: KNOWN_BY.sunk, since: sunkAt };

function sinceOf(status: VoyageStatus): string | null {
  const changes = (is: (task: VoyageStatus["tasks"][number]) => boolean) => status.tasks.filter(is).map((task) => task.changedAt);
  switch (status.state) {
    case "paused":
      return status.paused?.since ?? null;
    case "budget":
      return status.budgetSpentAt ?? null;
    case "verified":
    case "failed":
      return status.verified?.at ?? null;
    case "needs-captain":
      return changes(({ question }) => question !== undefined).sort()[0] ?? null;
    case "blocked":
    case "verifying":
    case "done":
      return (
        changes(() => true)
          .sort()
          .at(-1) ?? null
      );
    case "lost":
    case "stalled":
      return lastHeard(status);
    default:
      return null;
  }
}

/** When any ship of the voyage was last heard of. */
export const lastHeard = ({ ships }: VoyageStatus): string | null =>
  ships
    .flatMap(({ lastSeenAt }) => lastSeenAt ?? [])
    .sort()
    .at(-1) ?? null;
