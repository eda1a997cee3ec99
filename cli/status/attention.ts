import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { usd } from "../../lib/base/text.ts";
import type { TaskRow, VoyageStatus } from "../../lib/protocol/status.ts";
import { firstLine } from "../output/io.ts";
import type { Attention, ShipView } from "./view.ts";

/** Tells that the voyage's budget is spent while work is left. */
export function budgetAttention({ state, spend, stack }: VoyageStatus): Attention[] {
  if (state !== "budget" || spend.budgetUsd === null) return [];
  const hint = `pulumi config set ocaptain:budgetUsd ${Math.ceil(spend.costUsd * 1.5)} -s ${stack} && pulumi up -s ${stack}`;
  const message = `the voyage's budget of ${usd(spend.budgetUsd)} is spent (${usd(spend.costUsd)}): no task is given out`;
  return [{ kind: "budget", of: stack, message, hint }];
}

/** Tells what agents ask, in full. */
export function questionAttention(tasks: readonly TaskRow[], stack: string): Attention[] {
  return asking(tasks).map((task) => {
    // The hint names the ship where it asks one thing only, and the task where it asks several.
    const one = task.askedBy !== undefined && asking(tasks).filter((other) => other.askedBy === task.askedBy).length === 1;
    return {
      kind: "question",
      of: task.id,
      message: `task ${task.id} (${firstLine(task.subject)}) asks, from ${task.askedBy ?? "a ship"}:`,
      detail: task.question!,
      hint: `ocaptain answer ${one ? task.askedBy : `'#${task.id}'`} - --voyage ${stack}  # type the answer, then Ctrl-D`,
    };
  });
}

export const asking = (tasks: readonly TaskRow[]) => tasks.filter((task) => task.question !== undefined);

/** Tells of each blocked task why, and how to go on. Tasks that wait for an answer are {@link questionAttention}'s. */
export function taskAttention(tasks: readonly TaskRow[], stack: string): Attention[] {
  return tasks
    .filter((task) => task.status === "blocked" && task.question === undefined)
    .map((task) => ({
      kind: "task",
      of: task.id,
      message: `task ${task.id} (${firstLine(task.subject)}) is blocked after ${counted(task.tries, "try", "tries")}: ${firstLine(task.reason ?? "no reason is known")}`,
      hint: isSpent(task)
        ? `pulumi up -s ${stack}  # after a higher claude.budgetUsd in the plan's tasks/${task.id}.json`
        : `ocaptain logs ${stack} --task ${task.id}  # then mend the plan's tasks/${task.id}.json, and: pulumi up -s ${stack}`,
    }));
}

const isSpent = ({ budgetUsd, usage }: TaskRow) => budgetUsd !== undefined && (usage?.costUsd ?? 0) >= budgetUsd;

/**
 * Tells what no crew can mend: a failed verification, ships that are lost, fenced or unfit, a voyage that stands still.
 */
export function voyageAttention(status: VoyageStatus, ships: readonly ShipView[]): Attention[] {
  const { stack } = status;
  const found: Attention[] = [];
  if (status.trouble !== undefined)
    found.push({
      kind: "helm",
      of: stack,
      message: `nothing can be accepted, and so nothing is given out: ${firstLine(status.trouble)}`,
      hint: `pulumi up -s ${stack}  # after that is mended; the helm looks again every ten seconds`,
    });
  if (status.state === "failed" && status.verified)
    found.push({
      kind: "verification",
      of: status.verified.commit,
      message: `verify.sh failed at ${status.verified.commit.slice(0, 8)}, exit status ${status.verified.exitCode}: ${lastLine(status.verified.output)}`,
      hint: `ocaptain retry verify ${stack}  # or a new task or another verify.sh in the plan, and: pulumi up -s ${stack}`,
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
        hint: `pulumi up -s ${stack}  # it comes back as new`,
      });
  }
  for (const { ship, refused } of status.ships)
    if (refused)
      found.push({
        kind: "ship",
        of: ship,
        message: `${ship} sends what no crew sends, and was refused (${firstLine(refused)})`,
        hint: `ocaptain logs ${stack} -s ${ship}  # one that goes on so is not to be trusted: pulumi destroy -s ${stack}`,
      });
  for (const { ship, unfit } of status.ships)
    if (unfit)
      found.push({
        kind: "ship",
        of: ship,
        message: `${ship} is given no task: ${firstLine(unfit)}`,
        hint: `pulumi up -s ${stack}  # it is tried anew`,
      });
  if (status.state === "lost")
    found.push({ kind: "voyage", of: stack, message: "work is left and every ship is lost", hint: `pulumi up -s ${stack}` });
  if (status.state === "stalled")
    found.push({ kind: "voyage", of: stack, message: "work is left and no ship is there", hint: `pulumi up -s ${stack}` });
  return found;
}

export function helmAttention(stack: string, why: Error): Attention {
  const silent = why instanceof OcaptainError && why.code === "HELM_SILENT" ? why : null;
  return {
    kind: "helm",
    of: stack,
    message: `${silent ? silent.message : "the helm does not answer"}: nothing is granted or accepted, and what is shown is what the files say`,
    hint: silent?.hint ?? `pulumi up -s ${stack}`,
  };
}

const lastLine = (text: string) => firstLine(text.trim().split("\n").at(-1) ?? "") || "it said nothing";
