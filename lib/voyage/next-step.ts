import type { VoyageState } from "../protocol/status.ts";

type State = VoyageState | "unknown";

/**
 * Names the commands that come next for a voyage in a state, the most likely first, each with a remark that says what
 * it does. What a voyage that waits for the captain needs in particular is for `ocaptain status` to say.
 *
 * @param workspace  the checkout of the voyage's branch, in full
 */
export function nextSteps(state: State, stack: string, workspace: string): [string, ...string[]] {
  const end = `pulumi destroy -s ${stack}  # brings all work home, and ends the fleet`;
  switch (state) {
    case "planning":
    case "sailing":
    case "verifying":
      return [
        `ocaptain status ${stack} --watch  # it sails; this shows how`,
        `ocaptain logs ${stack} -f  # all ships' logs`,
        end,
      ];
    case "verified":
    case "done":
      return [`ocaptain clone ${stack}  # all is delivered: ${workspace}`, land(stack), report(stack), end];
    case "sunk":
      return [`ocaptain clone ${stack}  # the fleet is gone, and the work is kept: ${workspace}`, report(stack)];
    case "unknown":
      return [`pulumi up -s ${stack}  # the helm does not answer; this starts it`];
    default:
      return [`ocaptain status ${stack}  # it waits for you; this says for what, and what helps`];
  }
}

const land = (stack: string) => `ocaptain land ${stack}  # a pull request of it; says first what it would do`;
const report = (stack: string) => `ocaptain report ${stack}  # one page to show: who did what when, spend, checks`;

/** The first of {@link nextSteps} in one line, which also says how a fleet is ended that has nothing left to do. */
export function nextStep(state: State, stack: string, workspace: string): string {
  const [first] = nextSteps(state, stack, workspace);
  return state === "verified" || state === "done" ? `${first}; to end the fleet: pulumi destroy -s ${stack}` : first;
}
