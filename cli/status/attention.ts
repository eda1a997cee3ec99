import type { TaskRow, VoyageStatus } from "../../lib/voyage-status.ts";
import { firstLine } from "../io.ts";
import type { Attention, ShipView } from "./view.ts";

/** Blocked tasks, each with why and how to go on. */
export function taskAttention(tasks: readonly TaskRow[], stack: string): Attention[] {
  return tasks
    .filter((task) => task.status === "blocked")
    .map((task) => ({
      kind: "task",
      of: task.id,
      message: `task ${task.id} (${firstLine(task.subject)}) is blocked after ${task.tries} tries: ${firstLine(task.reason ?? "no reason is known")}`,
      hint: `ocaptain logs ${stack} --task ${task.id}, then: ocaptain retry ${task.id} ${stack}`,
    }));
}

/** What the helm knows and no crew can mend: a failed verification, ships that are lost or fenced, a voyage that stands still. */
export function voyageAttention(status: VoyageStatus, ships: readonly ShipView[]): Attention[] {
  const { stack } = status;
  const found: Attention[] = [];
  if (status.state === "failed" && status.verified)
    found.push({
      kind: "verification",
      of: status.verified.commit,
      message: `verify.sh failed at ${status.verified.commit.slice(0, 8)}, exit status ${status.verified.exitCode}: ${lastLine(status.verified.output)}`,
      hint: `mend it by a new task or another verify.sh in the plan, then: pulumi up -s ${stack}`,
    });
  for (const { ship, state, knownBy, task } of ships) {
    const held = task ? `, with task ${task.id}` : "";
    if (state === "lost")
      found.push({ kind: "ship", of: ship, message: `${ship} is lost${held} (${knownBy})`, hint: `pulumi up -s ${stack}` });
    if (state === "fenced")
      found.push({
        kind: "ship",
        of: ship,
        message: `${ship} is fenced: nothing of it is accepted any more`,
        hint: `pulumi up -s ${stack} (it comes back as new)`,
      });
  }
  if (status.state === "stalled")
    found.push({ kind: "voyage", of: stack, message: "work is left and no ship is there", hint: `pulumi up -s ${stack}` });
  return found;
}

export const helmAttention = (stack: string): Attention => ({
  kind: "helm",
  of: stack,
  message: "the helm does not answer: nothing is granted or accepted, and what is shown is what the files say",
  hint: `pulumi up -s ${stack}`,
});

const lastLine = (text: string) => firstLine(text.trim().split("\n").at(-1) ?? "") || "it said nothing";
