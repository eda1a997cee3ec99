import { counted } from "../base/counted.ts";
import { OcaptainError } from "../base/errors.ts";
import { firstLine, usd } from "../base/text.ts";
import type { TaskRow, VoyageStatus } from "../protocol/status.ts";
import { choicesOf } from "./choices.ts";
import { MOST_CALLS } from "./ship-state.ts";
import type { Attention, SeenShip } from "./view.ts";
import { lastHeard } from "./voyage-state.ts";

/**
 * What only a person can mend, by the helm's own words, the most pressing first. Syncs, of which the helm knows
 * nothing, are not in it.
 */
export function attentionOf(status: VoyageStatus, ships: readonly SeenShip[]): Attention[] {
  const { tasks, stack } = status;
  return [
    ...budgetAttention(status),
    ...questionAttention(tasks, stack),
    ...verificationAttention(status),
    ...taskAttention(tasks, stack),
    ...voyageAttention(status, ships),
    ...noticeAttention(status),
  ];
}

/** Tells that the voyage's budget is spent while work is left. */
function budgetAttention({ state, spend, stack, budgetSpentAt }: VoyageStatus): Attention[] {
  if (state !== "budget" || spend.budgetUsd === null) return [];
  return [
    {
      id: "budget",
      kind: "budget",
      of: stack,
      message: `the voyage's budget of ${usd(spend.budgetUsd)} is spent (${usd(spend.costUsd)}): no task is given out`,
      hint: `ocaptain budget ${Math.ceil(spend.costUsd * 1.5)} ${stack}  # at once; ocaptain:budgetUsd keeps it`,
      since: budgetSpentAt ?? null,
      action: { verb: "budget" },
    },
  ];
}

/** Tells what agents ask, in full. */
function questionAttention(tasks: readonly TaskRow[], stack: string): Attention[] {
  return asking(tasks).map((task) => {
    // The hint names the ship where it asks one thing only, and the task where it asks several.
    const one = task.askedBy !== undefined && asking(tasks).filter((other) => other.askedBy === task.askedBy).length === 1;
    const choices = choicesOf(task.question!);
    return {
      id: `question/${task.id}/${task.epoch}`,
      kind: "question",
      of: task.id,
      message: `task ${task.id} (${firstLine(task.subject)}) asks, from ${task.askedBy ?? "a ship"}:`,
      detail: task.question!,
      ...(choices.length > 0 && { choices }),
      hint: `ocaptain answer ${one ? task.askedBy : `'#${task.id}'`} - --voyage ${stack}  # type the answer, then Ctrl-D`,
      since: task.changedAt,
      action: { verb: "answer", task: task.id, ...(task.askedBy !== undefined && { ship: task.askedBy }) },
    };
  });
}

export const asking = (tasks: readonly TaskRow[]) => tasks.filter((task) => task.question !== undefined);

/** Tells of each blocked task why, and how to go on. Tasks that wait for an answer are {@link questionAttention}'s. */
export function taskAttention(tasks: readonly TaskRow[], stack: string): Attention[] {
  return tasks
    .filter((task) => task.status === "blocked" && task.question === undefined)
    .map((task) => ({
      id: `task/${task.id}/${task.epoch}`,
      kind: "task",
      of: task.id,
      message: `task ${task.id} (${firstLine(task.subject)}) is blocked after ${counted(task.tries, "try", "tries")}: ${firstLine(task.reason ?? "no reason is known")}`,
      hint: isSpent(task)
        ? `pulumi up -s ${stack}  # after a higher claude.budgetUsd in the plan's ${fileOf(task)}`
        : `ocaptain logs ${stack} --task ${task.id}  # then ${wayOut(task, stack)}`,
      since: task.changedAt,
      // A retry would be refused while the task's own budget is spent.
      action: { verb: isSpent(task) ? "up" : "retry", task: task.id },
    }));
}

/** The file of the plan that bounds what a task may spend. A follow-up has no file of its own. */
const fileOf = ({ id, addedAt }: TaskRow) => (addedAt === undefined ? `tasks/${id}.json` : "voyage.json");

const wayOut = (task: TaskRow, stack: string) =>
  task.addedAt === undefined
    ? `mend the plan's ${fileOf(task)}, and: pulumi up -s ${stack}`
    : `ocaptain retry ${task.id} ${stack}; or ocaptain task cancel ${task.id} --voyage ${stack}, and add it anew`;

const isSpent = ({ budgetUsd, usage }: TaskRow) => budgetUsd !== undefined && (usage?.costUsd ?? 0) >= budgetUsd;

/** Tells that verify.sh has failed at the tip. */
function verificationAttention({ state, verified, stack }: VoyageStatus): Attention[] {
  if (state !== "failed" || !verified) return [];
  const { commit, exitCode, output, at } = verified;
  return [
    {
      id: `verification/${commit.slice(0, 12)}/${at}`,
      kind: "verification",
      of: commit,
      message: `verify.sh failed at ${commit.slice(0, 8)}, exit status ${exitCode}: ${lastLine(output)}`,
      hint: `ocaptain retry verify ${stack}  # or: ocaptain blame ${stack}, which finds the task that breaks it; or a new task or another verify.sh in the plan, and: pulumi up -s ${stack}`,
      since: at,
      action: { verb: "verify" },
    },
  ];
}

/**
 * Tells what no crew can mend: a helm that cannot accept, ships that are lost, fenced, unfit, out of reach or without
 * progress, a voyage that stands still.
 */
function voyageAttention(status: VoyageStatus, ships: readonly SeenShip[]): Attention[] {
  const { stack } = status;
  const found: Attention[] = [];
  const about = (ship: string, what: string, since: string | null | undefined, verb: "up" | "log" = "up") => ({
    id: `ship/${ship}/${what}`,
    kind: "ship" as const,
    of: ship,
    since: since ?? null,
    action: { verb, ship },
  });
  if (status.trouble !== undefined)
    found.push({
      id: "helm/trouble",
      kind: "helm",
      of: stack,
      message: `nothing can be accepted, and so nothing is given out: ${firstLine(status.trouble)}`,
      hint: `pulumi up -s ${stack}  # after that is mended; the helm looks again every ten seconds`,
      since: status.troubleSince ?? null,
      action: { verb: "up" },
    });
  const isOutOfReach = new Set(
    status.ships.filter(({ state, unanswered = 0 }) => state === "new" || unanswered >= MOST_CALLS).map(({ ship }) => ship),
  );
  for (const { ship, state, knownBy, task, since } of ships) {
    const held = task ? `, with task ${task.id}` : "";
    if (state === "lost")
      found.push({
        ...about(ship, "lost", since),
        message: `${ship} is lost${held} (${knownBy})`,
        hint: `pulumi up -s ${stack}`,
      });
    if (state === "no-progress")
      found.push({
        ...about(ship, `no-progress/${task?.id ?? "verify"}`, since),
        message: `${ship} shows no progress${held} (${knownBy})`,
        hint: `ocaptain logs ${stack} -s ${ship}  # says what it does${task ? `; to have another ship do it: ocaptain release ${task.id} ${stack}` : ""}`,
        action: task ? { verb: "release", task: task.id, ship } : { verb: "log", ship },
      });
    // One that is only late is called, and counts as lost soon; of these the helm can do no more.
    if (state === "no-signal" && isOutOfReach.has(ship))
      found.push({
        ...about(ship, "no-signal", since),
        message: `${ship} gives no signal (${knownBy})`,
        hint: `pulumi up -s ${stack}`,
      });
    if (state === "fenced")
      found.push({
        ...about(ship, "fenced", since),
        message: `${ship} is fenced: nothing of it is accepted any more`,
        hint: `pulumi up -s ${stack}  # it comes back as new`,
      });
  }
  for (const { ship, refused, refusedAt } of status.ships)
    if (refused)
      found.push({
        ...about(ship, "refused", refusedAt, "log"),
        message: `${ship} sends what no crew sends, and was refused (${firstLine(refused)})`,
        hint: `ocaptain logs ${stack} -s ${ship}  # one that goes on so is not to be trusted: pulumi destroy -s ${stack}`,
      });
  for (const { ship, unfit, unfitAt } of status.ships)
    if (unfit)
      found.push({
        ...about(ship, "unfit", unfitAt),
        message: `${ship} is given no task: ${firstLine(unfit)}`,
        hint: `pulumi up -s ${stack}  # it is tried anew`,
      });
  const stands = { lost: "work is left and every ship is lost", stalled: "work is left and no ship is there" };
  if (status.state === "lost" || status.state === "stalled")
    found.push({
      id: `voyage/${status.state}`,
      kind: "voyage",
      of: stack,
      message: stands[status.state],
      hint: `pulumi up -s ${stack}`,
      since: lastHeard(status),
      action: { verb: "up" },
    });
  return found;
}

/**
 * Tells which targets of notices did not get their newest one: whoever relies on them must not take silence for peace.
 */
function noticeAttention({ unreached = [], stack }: VoyageStatus): Attention[] {
  return unreached.map(({ target, why, at }) => ({
    id: `notices/${target}`,
    kind: "notices",
    of: target,
    message: `${target} did not get its newest notice: ${firstLine(why)}`,
    hint: `ocaptain notify test ${stack}  # when it is mended; ocaptain notify log ${stack} shows what it did not get`,
    since: at,
    action: { verb: "none" },
  }));
}

/** Tells that the helm does not answer. Since when is not known: who looks again and again may know it. */
export function helmAttention(stack: string, why: Error): Attention {
  const silent = why instanceof OcaptainError && why.code === "HELM_SILENT" ? why : null;
  return {
    id: "helm/away",
    kind: "helm",
    of: stack,
    message: `${silent ? silent.message : "the helm does not answer"}: nothing is granted or accepted, and what is shown is what the files say`,
    hint: silent?.hint ?? `pulumi up -s ${stack}`,
    since: null,
    action: { verb: "up" },
  };
}

const lastLine = (text: string) => firstLine(text.trim().split("\n").at(-1) ?? "") || "it said nothing";
