import type { VoyageStatus } from "../../lib/protocol/status.ts";

/**
 * Says who takes a task that was added to a voyage, and the command that it needs for that; null where it needs none.
 */
export function whoTakesIt({ state, ships, stack }: VoyageStatus): { text: string; hint: string | null } {
  switch (state) {
    case "paused":
      return { text: "the voyage is paused: nobody takes it before it goes on", hint: `ocaptain resume ${stack}` };
    case "budget":
      return {
        text: "the voyage's budget is spent: nobody takes it before there is more",
        hint: `ocaptain status ${stack}  # says what is spent; ocaptain budget gives more`,
      };
    case "limited":
      return { text: "a ship takes it when the usage limit is over", hint: null };
    case "stalled":
    case "lost":
    case "planning":
    case "sunk":
      return { text: "no ship is there that could take it", hint: `pulumi up -s ${stack}  # brings ships` };
    default:
      return ships.some((ship) => ship.connected)
        ? { text: "a ship takes it by itself", hint: null }
        : { text: "a ship is woken for it", hint: null };
  }
}
