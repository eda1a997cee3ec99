import { firstLine } from "../../../lib/base/text.ts";
import type { Plan } from "../../../lib/plan/types.ts";
import type { Rehearsed } from "./sail.ts";

/** The faults of a rehearsal that cannot be laid to tasks which were only stood in for. */
export function faultsOf(
  plan: Pick<Plan, "verify">,
  {
    status,
    stoodIn,
    left,
  }: Pick<Rehearsed, "stoodIn" | "left"> & { status: Pick<Rehearsed["status"], "state" | "tasks" | "verified"> },
): string[] {
  const faults = status.tasks
    .filter((task) => task.status !== "accepted")
    .map((task) => `task ${task.id} is ${task.status}${task.reason ? `: ${firstLine(task.reason)}` : ""}`);
  if (status.state === "failed" && stoodIn.size === 0)
    faults.push(`verify.sh failed: ${firstLine(status.verified?.output ?? "") || "it says nothing"}`);
  else if (plan.verify !== null && faults.length === 0 && !["verified", "failed"].includes(status.state))
    faults.push(`verify.sh did not run: the voyage is ${status.state}`);
  return [...faults, ...left.map((what) => `left after the voyage: ${what}`)];
}
