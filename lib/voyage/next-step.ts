import type { VoyageState } from "../protocol/status.ts";

/**
 * Names the command that comes next for a voyage in a state, with a remark that says what it does. What a voyage that
 * waits for the captain needs in particular is for `ocaptain status` to say.
 *
 * @param workspace  the checkout of the voyage's branch, in full
 */
export function nextStep(state: VoyageState | "unknown", stack: string, workspace: string): string {
  switch (state) {
    case "planning":
    case "sailing":
    case "verifying":
      return `ocaptain status ${stack} --watch  # it sails; this shows how`;
    case "verified":
    case "done":
      return `ocaptain clone ${stack}  # all is delivered: ${workspace}; to end the fleet: pulumi destroy -s ${stack}`;
    case "sunk":
      return `ocaptain clone ${stack}  # the fleet is gone, and the work is kept: ${workspace}`;
    case "unknown":
      return `pulumi up -s ${stack}  # the helm does not answer; this starts it`;
    default:
      return `ocaptain status ${stack}  # it waits for you; this says for what, and what helps`;
  }
}
