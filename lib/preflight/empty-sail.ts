import { digestOf } from "../plan/digest.ts";
import type { Plan } from "../plan/types.ts";

/**
 * Makes the plan that sails when `ocaptain:plan` is unset: one ship on which Claude Code waits for the captain's
 * orders. To the helm it is a plan with one task, so that it is claimed, fenced, delivered and accounted like any
 * other; `orders` says that it is never done for good.
 *
 * @param repo  A URL or a path. With "" the voyage begins with an empty repository.
 */
export function emptySail(stack: string, repo: string): Plan {
  const plan: Omit<Plan, "digest"> = {
    name: stack,
    purpose: "Waiting for orders",
    repo,
    recommendedShips: 1,
    width: 1,
    spec: "",
    verify: null,
    tasks: [
      {
        id: "1",
        subject: "The captain's orders",
        description: "Wait for what the captain types: ocaptain shell --write.",
        activeForm: "Waiting for orders",
        blocks: [],
        blockedBy: [],
        metadata: {},
      },
    ],
    claude: { interactive: true },
    orders: true,
  };
  return { ...plan, digest: digestOf(plan) };
}
