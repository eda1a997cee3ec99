import type { PlanTask } from "../../lib/plan/types.ts";
import type { ShipRow, VoyageStatus } from "../../lib/protocol/admin-api.ts";
import type { Usage } from "../../lib/protocol/ship-reports.ts";
import type { TaskRow, VoyageState } from "../../lib/protocol/status.ts";
import { budgetsOf } from "../ledger/budget.ts";
import { outsideOf } from "../ledger/deliveries.ts";
import { lastAt } from "../ledger/events.ts";
import { whyFaulty } from "../ledger/faults.ts";
import { planHandSettings } from "../ledger/hand-settings.ts";
import { type Ledger, type Life, parseTask, type ShipRecord, type TaskRecord } from "../ledger/ledger.ts";
import { grantableCount, limitOf, voyageLimit } from "../ledger/limits.ts";
import { goodbyeOf, hasHeardOfAnyShip } from "../ledger/lives.ts";
import { isVerificationGrantable, pauseOf } from "../ledger/pause.ts";
import { probeOf } from "../ledger/probes.ts";
import { outvotedBudgetUsd, overspent, spendByShip, spendOf, usageByTask, usageOf, voyageBudgetUsd } from "../ledger/spend.ts";
import type { VoyageContext } from "./context.ts";

/** How a voyage looks to people (lib/protocol/status.ts). Nothing here changes anything. */

export function voyageStatus(context: VoyageContext): VoyageStatus {
  const { ledger, tip, trouble, troubleSince } = context;
  const verified = ledger.verified(tip, ledger.meta("verify") ?? "");
  const ships = shipRows(context);
  const limited = voyageLimit(ledger);
  const paused = pauseOf(ledger);
  const unreached = context.unreached();
  return {
    id: context.id,
    stack: ledger.meta("stack") ?? "",
    name: ledger.meta("name") ?? "",
    state: stateOfVoyage(ledger, tip, ships),
    branch: context.branch.name,
    tip,
    verified: verified
      ? { commit: verified.commit_id, exitCode: verified.exit_code ?? -1, output: verified.output ?? "", at: verified.at }
      : null,
    tasks: taskRows(ledger),
    ships,
    spend: spendRow(ledger),
    hand: ledger.meta("hand") === "claude" ? "claude" : "rehearsal",
    ...(isInteractive(ledger) && { interactive: true as const }),
    ...(paused && { paused }),
    ...(limited && { limited }),
    ...(trouble !== null && { trouble }),
    ...(unreached.length > 0 && { unreached }),
    ...(troubleSince !== null && { troubleSince }),
    ...(overspent(ledger) && dated("budgetSpentAt", lastAt(ledger, "budget-spent"))),
    silenceSeconds: context.silenceMs / 1000,
    noProgressSeconds: context.noProgressSeconds,
    asOf: ledger.at(),
  };
}

function spendRow(ledger: Ledger): VoyageStatus["spend"] {
  const configuredUsd = outvotedBudgetUsd(ledger);
  return {
    ...spendOf(ledger),
    budgetUsd: voyageBudgetUsd(ledger) ?? null,
    ...(configuredUsd !== undefined && { configuredUsd }),
    byShip: spendByShip(ledger),
  };
}

export const taskRow = (ledger: Ledger, row: TaskRecord): TaskRow =>
  rowOfTask(ledger, row, {
    ...{ usage: usageOf(ledger, row.id), budget: budgetsOf(ledger), task: parseTask(row.body) },
    addedAt: ledger.addedAt(row.id),
  });

/** The rows of all tasks. What can be asked of all at once is not asked of each: a page looks some times a second. */
function taskRows(ledger: Ledger): TaskRow[] {
  const [usages, budget, followUps] = [usageByTask(ledger), budgetsOf(ledger), ledger.followUps()];
  return ledger.tasks().map((row) => {
    const [usage, addedAt] = [usages.get(row.id), followUps.get(row.id)];
    return rowOfTask(ledger, row, { usage, budget, task: parsedTask(row.body), addedAt });
  });
}

/** What was parsed of tasks, which changes with the plan alone, by the text. */
const parsed = new Map<string, PlanTask>();
const MOST_PARSED = 5_000;

function parsedTask(body: string): PlanTask {
  const known = parsed.get(body);
  if (known) return known;
  if (parsed.size >= MOST_PARSED) parsed.clear();
  const task = parseTask(body);
  parsed.set(body, task);
  return task;
}

type About = { usage: Usage | undefined; budget: ReturnType<typeof budgetsOf>; task: PlanTask; addedAt: string | undefined };

function rowOfTask(ledger: Ledger, row: TaskRecord, { usage, budget, task, addedAt }: About): TaskRow {
  const question = row.status === "blocked" ? ledger.openQuestion(row.id) : undefined;
  const budgetUsd = budget(task);
  const { source } = task.metadata;
  const outside = outsideOf(ledger, row);
  return {
    id: row.id,
    subject: task.subject,
    status: row.status,
    blockedBy: task.blockedBy,
    ship: row.ship,
    incarnation: row.life === null ? null : (ledger.life(row.life)?.incarnation ?? null),
    epoch: row.epoch,
    tries: row.tries,
    commit: row.commit_id,
    reason: row.reason,
    changedAt: row.changed_at,
    ...(question && { question: question.question, askedBy: question.ship }),
    ...(usage && { usage }),
    ...(budgetUsd !== undefined && { budgetUsd }),
    ...(typeof source === "string" && { source }),
    ...(addedAt !== undefined && { addedAt }),
    ...(outside && { outside }),
  };
}

export function shipRows(context: VoyageContext): ShipRow[] {
  const work = workLeft(context);
  return context.ledger.ships().map((record) => rowOf(context, record, work));
}

/** The row of one ship; null when it is not registered. */
export function shipRow(context: VoyageContext, ship: string): ShipRow | null {
  const record = context.ledger.ship(ship);
  return record ? rowOf(context, record, workLeft(context)) : null;
}

type WorkLeft = { freeTasks: boolean; verification: boolean };
const workLeft = ({ ledger, tip }: VoyageContext): WorkLeft => ({
  freeTasks: grantableCount(ledger) > 0,
  verification: isVerificationGrantable(ledger, tip),
});

function rowOf(context: VoyageContext, record: ShipRecord, work: WorkLeft): ShipRow {
  const { ledger, liveness, silenceMs } = context;
  const life = ledger.life(record.life)!;
  const held = ledger.claimOf(life.life);
  const verification = ledger.openVerification();
  const verifying = verification?.life === life.life;
  const probe = probeOf(ledger, life.life);
  const runs = verifying ? verification : probe;
  const holds = held !== undefined || runs !== undefined;
  const fitness = ledger.fitness(life.life);
  const unfit = typeof fitness === "object" ? fitness.unfit : whyFaulty(ledger, life.life);
  const limited = limitOf(ledger, record.ship);
  const refused = liveness.refused(life.life);
  const unanswered = liveness.unanswered(life.life);
  const state = stateOfShip(context, life, record, holds);
  return {
    ship: record.ship,
    incarnation: life.incarnation,
    state,
    connected: liveness.connected(life.life, silenceMs),
    lastSeenAt: liveness.lastSeenAt(life.life) ?? life.hello_at,
    task: held?.id ?? null,
    epoch: held?.epoch ?? null,
    // What a ship that is gone has said last is not what it does now.
    note: verifying
      ? "verify.sh"
      : probe
        ? `verify.sh at ${probe.commit_id.slice(0, 8)}`
        : THERE.has(state)
          ? liveness.note(life.life)
          : null,
    ...factsOf(context, record, life, holds),
    ...(runs && { verifyingSince: runs.at }),
    hasWork: holds || work.verification || (work.freeTasks && !limited),
    ...(unfit !== undefined && { unfit }),
    ...(limited && { limited }),
    ...(unfit !== undefined && dated("unfitAt", lastAt(ledger, "ship-unfit", record.ship))),
    ...(life.fenced && dated("fencedAt", lastAt(ledger, "ship-fenced", record.ship))),
    ...(refused && { refused: refused.words, refusedAt: refused.at }),
    ...(unanswered > 0 && { unanswered }),
  };
}

/** What is known of a ship's signs of life, and when each was given. */
function factsOf({ ledger, liveness }: VoyageContext, { ship }: ShipRecord, life: Life, holds: boolean) {
  const goodbye = goodbyeOf(ledger, life.life);
  return {
    ...dated("registeredAt", lastAt(ledger, "ship-registered", ship)),
    ...(life.hello_at !== null && { helloAt: life.hello_at }),
    ...(goodbye && { goodbye }),
    // The one task of an empty sail waits for the captain's orders, and its rest is no standstill.
    ...(holds && !ledger.meta("orders") && dated("progressAt", liveness.progressAt(life.life))),
    silentSeconds: liveness.silentMs(life.life) / 1000,
  };
}

/** A field with a time that may not be known, as in a voyage that a helm of earlier code has sailed. */
const dated = <Name extends string>(name: Name, at: string | undefined) =>
  (at === undefined ? {} : { [name]: at }) as { [name in Name]?: string };

const THERE: ReadonlySet<ShipRow["state"]> = new Set(["working", "idle", "stopping"]);

function stateOfShip(context: VoyageContext, life: Life, record: ShipRecord, holds: boolean): ShipRow["state"] {
  const { liveness, silenceMs, timing } = context;
  const present = liveness.present(life.life, silenceMs);
  if (life.fenced) return "fenced";
  if (record.stopping) return present ? "stopping" : "ended";
  if (!life.hello_at) return "new";
  if (holds)
    return liveness.connected(life.life, silenceMs) || liveness.silentMs(life.life) <= timing.fenceSeconds * 1000
      ? "working"
      : "lost";
  return present ? "idle" : "ended";
}

function stateOfVoyage(ledger: Ledger, tip: string, ships: readonly ShipRow[]): VoyageState {
  if (ledger.meta("sunk")) return "sunk";
  const { pending, claimed, blocked } = ledger.counts();
  if (pending + claimed + blocked === 0) {
    const script = ledger.meta("verify");
    if (!script) return "done";
    const result = ledger.verified(tip, script);
    if (!result) return pauseOf(ledger) ? "paused" : "verifying";
    return result.exit_code === 0 ? "verified" : "failed";
  }
  if (pauseOf(ledger)) return "paused";
  const moving = claimed > 0 || ledger.freeCount() > 0;
  if (moving && overspent(ledger)) return "budget";
  if (ledger.hasOpenQuestion()) return "needs-captain";
  if (!moving) return "blocked";
  if (voyageLimit(ledger)) return "limited";
  if (!hasHeardOfAnyShip(ledger)) return "planning";
  if (ships.some((ship) => THERE.has(ship.state) || isComing(ledger, ship))) return "sailing";
  return ships.length > 0 && ships.every((ship) => ship.state === "lost" || ship.state === "fenced") ? "lost" : "stalled";
}

/**
 * A ship that did not answer so many calls is not counted on any more: that takes some 15 s, by the waker's back-off.
 */
const MOST_CALLS = 3;

/** Says whether the ship is asleep, so that the helm wakes it for the work that is left. */
const isComing = (ledger: Ledger, { ship, state, unfit, unanswered = 0 }: ShipRow) =>
  state === "ended" && unfit === undefined && unanswered < MOST_CALLS && !ledger.ship(ship)?.stopping;

/** Says whether a person can type to the hands of the ships. To an empty sail's, too: its plan says the same. */
function isInteractive(ledger: Ledger): boolean {
  return planHandSettings(ledger).interactive === true && ledger.meta("hand") === "claude";
}
