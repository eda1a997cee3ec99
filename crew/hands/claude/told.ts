import type { HandEnd } from "../../claim/hand.ts";
import type { Gatekeeper } from "../../gates/gatekeeper.ts";

/** How the task ended, by its gates; null while it has not. */
export function toldBy({ ending }: Gatekeeper): HandEnd | null {
  if (ending === null) return null;
  if (ending.kind === "accepted") return { kind: "accepted" };
  if (ending.kind === "asked") return { kind: "asked", question: ending.question };
  if (ending.kind === "spent") return { kind: "handed-back", reason: ending.reason };
  if (ending.kind === "blocked") return { kind: "failed", reason: `blocked: ${ending.reason}` };
  return { kind: "failed", reason: `ended without completing the task, twice: ${ending.words}` };
}
