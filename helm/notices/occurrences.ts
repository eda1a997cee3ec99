import { counted } from "../../lib/base/counted.ts";
import { plain, plainLines, usd } from "../../lib/base/text.ts";
import type { NoticeEvent } from "../../lib/notices/events.ts";
import type { ShipRow, TaskRow, VoyageStatus } from "../../lib/protocol/status.ts";
import type { Seen } from "../ledger/notices.ts";

/** How long a ship is lost, or a voyage stands still, before that counts: much of it mends itself, or an `up` does. */
export const GRACE_MS = 120_000;
/** The part of a budget after which the captain is told. */
const LOW = 0.8;
/** The most characters of a line, and of what an agent wrote: receivers have bounds; Discord's is the least. */
const MOST_LINE = 300;
const MOST_DETAIL = 900;

/** When what comes and goes with silence was seen first, by the helm's running time. */
type Since = Map<string, number>;

/** Finds what is so now in a voyage. It is what the ledger says, but for silence, which has to last a while first. */
export class Watch {
  readonly #since: Since = new Map();

  /**
   * @param open the keys of the occurrences that are open, and when they began
   * @param nowMs the helm's running time
   */
  seen(status: VoyageStatus, open: ReadonlyMap<string, string>, nowMs: number): Seen[] {
    const lasting = [...status.ships.flatMap((row) => lostShip(row, status, open)), ...standstill(status, open)];
    const keys = new Set(lasting.map(({ key }) => key));
    for (const key of this.#since.keys()) if (!keys.has(key)) this.#since.delete(key);
    for (const key of keys) if (!this.#since.has(key)) this.#since.set(key, nowMs);
    const isOld = ({ key }: Seen) => open.has(key) || nowMs - this.#since.get(key)! >= GRACE_MS;
    return [
      ...budgets(status),
      ...status.tasks.flatMap((task) => ofTask(task, status.stack)),
      ...limits(status),
      ...verification(status),
      ...status.ships.flatMap((row) => unfitShip(row, status.stack)),
      ...lasting.filter(isOld),
    ];
  }
}

/** Makes an occurrence whose texts are harmless and bounded; `what` ends the title. */
function about(
  event: NoticeEvent,
  key: string,
  stack: string,
  {
    of,
    what,
    message,
    detail = "",
    hint = "",
    once,
  }: { of: string; what: string; message: string; detail?: string; hint?: string; once?: true },
): Seen {
  return {
    key: `${event}:${key}`,
    event,
    of: plain(of, { most: 100 }),
    title: plain(`${stack}: ${what}`, { most: 150 }),
    message: plain(message, { most: MOST_LINE }),
    detail: plainLines(detail, { most: MOST_DETAIL }),
    hint: plain(hint, { most: MOST_LINE }),
    ...(once && { once }),
  };
}

function ofTask(task: TaskRow, stack: string): Seen[] {
  const { id, subject, status, epoch, question, askedBy, tries, reason } = task;
  if (status !== "blocked") return [];
  if (question !== undefined)
    return [
      about("task-asked", `${id}:${epoch}`, stack, {
        of: id,
        what: `task ${id} asks`,
        message: `task ${id} (${subject}) asks, from ${askedBy ?? "a ship"}`,
        detail: question,
        hint: `ocaptain answer '#${id}' - --voyage ${stack}`,
      }),
    ];
  return [
    about("task-blocked", `${id}:${epoch}`, stack, {
      of: id,
      what: `task ${id} is blocked`,
      message: `task ${id} (${subject}) is blocked after ${counted(tries, "try", "tries")}: ${reason ?? "no reason is known"}`,
      hint: `ocaptain logs ${stack} --task ${id}`,
    }),
  ];
}

const isLeft = ({ status }: TaskRow) => status !== "accepted" && status !== "cancelled";

function budgets({ spend, stack, tasks }: VoyageStatus): Seen[] {
  const { budgetUsd, costUsd } = spend;
  if (budgetUsd === null || costUsd < budgetUsd * LOW || !tasks.some(isLeft)) return [];
  const hint = `pulumi config set ocaptain:budgetUsd ${Math.ceil(Math.max(costUsd, budgetUsd) * 1.5)} -s ${stack} && pulumi up -s ${stack}`;
  if (costUsd < budgetUsd)
    return [
      about("budget-low", String(budgetUsd), stack, {
        of: stack,
        what: "80 % of the budget is spent",
        message: `${usd(costUsd)} of the voyage's budget of ${usd(budgetUsd)} is spent, and ${counted(tasks.filter(isLeft).length, "task")} left`,
        hint,
        once: true,
      }),
    ];
  return [
    about("budget-spent", String(budgetUsd), stack, {
      of: stack,
      what: "the budget is spent",
      message: `the voyage's budget of ${usd(budgetUsd)} is spent (${usd(costUsd)}): no task is given out`,
      hint,
    }),
  ];
}

function limits({ limited, stack }: VoyageStatus): Seen[] {
  if (!limited) return [];
  const { until, message, by } = limited;
  return [
    about("usage-limit", "all", stack, {
      of: stack,
      what: "a usage limit holds every ship",
      message: `no task is given out until ${until.slice(0, 19)}Z, by the word of ${by.join(" and ")}: ${message}`,
      hint: `ocaptain retry limit ${stack}`,
    }),
  ];
}

function verification({ verified, tasks, state, stack, tip }: VoyageStatus): Seen[] {
  if (tasks.some(isLeft) || state === "sunk") return [];
  if (state === "done")
    return [
      about("done", tip, stack, {
        of: tip,
        what: "all tasks are done",
        message: `all tasks are done, at ${tip.slice(0, 8)}; the plan has no verify.sh`,
        once: true,
      }),
    ];
  if (!verified) return [];
  const { commit, exitCode, at, output } = verified;
  const short = commit.slice(0, 8);
  if (exitCode === 0)
    return [
      about("verified", commit, stack, {
        of: commit,
        what: "verified",
        message: `verify.sh has passed at ${short}`,
        hint: `ocaptain clone ${stack}`,
        once: true,
      }),
    ];
  return [
    about("verification-failed", `${commit}:${at}`, stack, {
      of: commit,
      what: "verify.sh failed",
      message: `verify.sh failed at ${short}, exit status ${exitCode}`,
      detail: output.trim().slice(-MOST_DETAIL),
      hint: `ocaptain retry verify ${stack}`,
    }),
  ];
}

function unfitShip({ ship, incarnation, unfit }: ShipRow, stack: string): Seen[] {
  if (unfit === undefined) return [];
  return [
    about("ship-unfit", `${ship}:${incarnation}`, stack, {
      of: ship,
      what: `${ship} is given no task`,
      message: `${ship} is given no task: ${unfit}`,
      hint: `pulumi up -s ${stack}`,
    }),
  ];
}

/**
 * A ship that is lost or fenced. A helm that has just started counts silence anew: what it does not know yet is no sign
 * that the ship is back, so the occurrence stays open until the ship was heard of.
 */
function lostShip(row: ShipRow, { stack, tasks }: VoyageStatus, open: ReadonlyMap<string, string>): Seen[] {
  const { ship, incarnation, state, connected, lastSeenAt, task } = row;
  const key = `${ship}:${incarnation}`;
  const began = open.get(`ship-lost:${key}`);
  const isUnheard = began !== undefined && state === "working" && !connected && (lastSeenAt ?? "") <= began;
  if (state !== "lost" && state !== "fenced" && !isUnheard) return [];
  const held = tasks.find(({ id }) => id === task);
  return [
    about("ship-lost", key, stack, {
      of: ship,
      what: `${ship} is ${state === "fenced" ? "fenced" : "lost"}`,
      message: `${ship} is ${state === "fenced" ? "fenced: nothing of it is accepted any more" : "lost"}${held ? `, with task ${held.id} (${held.subject})` : ""}${lastSeenAt ? `; last heard of at ${lastSeenAt.slice(0, 19)}Z` : ""}`,
      hint: `pulumi up -s ${stack}`,
    }),
  ];
}

/** A voyage in which nothing goes on any more, for a reason that no ship can mend. */
function standstill(status: VoyageStatus, open: ReadonlyMap<string, string>): Seen[] {
  const { stack, state, trouble, ships } = status;
  const hint = `pulumi up -s ${stack}`;
  const found: Seen[] = [];
  if (trouble !== undefined)
    found.push(
      about("voyage-stuck", "trouble", stack, {
        of: stack,
        what: "nothing can be accepted",
        message: `nothing can be accepted, and so nothing is given out: ${trouble.split("\n")[0]}`,
        hint,
      }),
    );
  const isUnheard = open.has("voyage-stuck:ships") && state === "sailing" && !ships.some(({ connected }) => connected);
  if (state === "lost" || state === "stalled" || isUnheard)
    found.push(
      about("voyage-stuck", "ships", stack, {
        of: stack,
        what: "the voyage stands still",
        message: `work is left and ${state === "stalled" ? "no ship is there" : "every ship is lost"}`,
        hint,
      }),
    );
  return found;
}
