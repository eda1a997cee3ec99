import type { PlanHandSettings } from "../../lib/plan/types.ts";
import type { ShipRow } from "../../lib/protocol/admin-api.ts";
import type { TaskRow, VoyageState } from "../../lib/protocol/status.ts";
import { budgetOf } from "../ledger/budget.ts";
import { whyFaulty } from "../ledger/faults.ts";
import { type Ledger, type Life, parseTask, type ShipRecord, type TaskRecord } from "../ledger/ledger.ts";
import { limitOf, voyageLimit } from "../ledger/limits.ts";
import type { Sightings } from "./liveness.ts";

/** How the ledger looks to people (lib/protocol/status.ts). Nothing here changes anything. */

export function taskRow(ledger: Ledger, row: TaskRecord): TaskRow {
  const task = parseTask(row.body);
  const question = row.status === "blocked" ? ledger.openQuestion(row.id) : undefined;
  const usage = ledger.usage(row.id);
  const budgetUsd = budgetOf(ledger, row, task);
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
  };
}

export function shipRow(
  ledger: Ledger,
  record: ShipRecord,
  sightings: Sightings,
  at: { silenceMs: number; lostMs: number; freeTasks: boolean; verification: boolean },
): ShipRow {
  const life = ledger.life(record.life)!;
  const held = ledger.claimOf(life.life);
  const verifying = ledger.openVerification()?.life === life.life;
  const holds = held !== undefined || verifying;
  const fitness = ledger.fitness(life.life);
  const unfit = typeof fitness === "object" ? fitness.unfit : whyFaulty(ledger, life.life);
  const limited = limitOf(ledger, record.ship);
  const refused = sightings.refused(life.life);
  const unanswered = sightings.unanswered(life.life);
  const state = stateOf(life, record, holds, sightings, at);
  return {
    ship: record.ship,
    incarnation: life.incarnation,
    state,
    connected: sightings.connected(life.life, at.silenceMs),
    lastSeenAt: sightings.lastSeenAt(life.life) ?? life.hello_at,
    task: held?.id ?? null,
    epoch: held?.epoch ?? null,
    // What one that is gone said last is not what it does.
    note: verifying ? "verify.sh" : THERE.has(state) ? sightings.note(life.life) : null,
    hasWork: holds || at.verification || (at.freeTasks && !limited),
    ...(unfit !== undefined && { unfit }),
    ...(limited && { limited }),
    ...(refused && { refused }),
    ...(unanswered > 0 && { unanswered }),
  };
}

const THERE: ReadonlySet<ShipRow["state"]> = new Set(["working", "idle", "stopping"]);

function stateOf(
  life: Life,
  record: ShipRecord,
  holds: boolean,
  sightings: Sightings,
  at: { silenceMs: number; lostMs: number },
): ShipRow["state"] {
  const present = sightings.present(life.life, at.silenceMs);
  if (life.fenced) return "fenced";
  if (record.stopping) return present ? "stopping" : "ended";
  if (!life.hello_at) return "new";
  if (holds)
    return sightings.connected(life.life, at.silenceMs) || sightings.silentMs(life.life) <= at.lostMs ? "working" : "lost";
  return present ? "idle" : "ended";
}

export function voyageState(ledger: Ledger, tip: string, ships: readonly ShipRow[]): VoyageState {
  if (ledger.meta("sunk")) return "sunk";
  const { pending, claimed, blocked } = ledger.counts();
  if (pending + claimed + blocked === 0) {
    const script = ledger.meta("verify");
    if (!script) return "done";
    const result = ledger.verified(tip, script);
    return !result ? "verifying" : result.exit_code === 0 ? "verified" : "failed";
  }
  const moving = claimed > 0 || ledger.freeCount() > 0;
  if (moving && ledger.overspent()) return "budget";
  if (ledger.hasOpenQuestion()) return "needs-captain";
  if (!moving) return "blocked";
  if (voyageLimit(ledger)) return "limited";
  if (!ledger.store.one("SELECT 1 FROM lives WHERE hello_at IS NOT NULL LIMIT 1")) return "planning";
  if (ships.some((ship) => THERE.has(ship.state) || isComing(ledger, ship))) return "sailing";
  return ships.length > 0 && ships.every((ship) => ship.state === "lost" || ship.state === "fenced") ? "lost" : "stalled";
}

/** After so many calls that nobody answered, a ship is not counted on any more: some 15 s, by the waker's back-off. */
const MOST_CALLS = 3;

/** Is it asleep, so that the helm wakes it for the work that is left? */
const isComing = (ledger: Ledger, { ship, state, unfit, unanswered = 0 }: ShipRow) =>
  state === "ended" && unfit === undefined && unanswered < MOST_CALLS && !ledger.ship(ship)?.stopping;

/** Can a person type to its ships' hands? To an empty sail's, too: its plan says the same. */
export function isInteractive(ledger: Ledger): boolean {
  const { interactive } = JSON.parse(ledger.meta("claude") || "{}") as PlanHandSettings;
  return interactive === true && ledger.meta("hand") === "claude";
}
