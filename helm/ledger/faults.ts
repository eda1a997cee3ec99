import { noteEvent } from "./events.ts";
import type { Ledger } from "./ledger.ts";

/**
 * Faults of ships: a claim that could not be begun, a verification that could not be run. They cost no task a try and
 * no voyage its result, so a ship with which something is wrong would go on for ever, and take from the healthy ones
 * what they could do. After some faults in a row it is unfit, and is given nothing until the next `up` launches it
 * anew. Each function that changes something runs inside one write of the store.
 */

const MOST_FAULTS = 3;
/**
 * How often in a row a task may be lost with its ship. Once may be the network or chance; but a task that ends its ship
 * would take one after the other.
 */
export const MOST_LOSSES = 5;

/** Notes a fault of this life, and why. */
export function noteFault(ledger: Ledger, life: number, reason: string): void {
  ledger.store.run(
    "INSERT INTO faults (life, count, reason) VALUES (?, 1, ?) ON CONFLICT (life) DO UPDATE SET count = count + 1, reason = excluded.reason",
    life,
    reason,
  );
  const why = whyFaulty(ledger, life);
  if (why !== undefined && faultsOf(ledger, life)?.count === MOST_FAULTS)
    noteEvent(ledger, "ship-unfit", { ship: ledger.life(life)?.ship, reason: why });
}

/** Forgets the faults of a life whose hand has begun, whatever became of that: the ship can work. */
export function forgetFaults(ledger: Ledger, life: number): void {
  if (isTriedAnew(ledger, life)) noteEvent(ledger, "ship-fit", { ship: ledger.life(life)?.ship });
  ledger.store.run("DELETE FROM faults WHERE life = ?", life);
}

/** Tries a life anew after its launch; that it was unfit before is remembered until it can work. */
export function tryAnew(ledger: Ledger, life: number): void {
  ledger.store.run(
    "UPDATE faults SET count = 0, anew = CASE WHEN count >= ? THEN 1 ELSE anew END WHERE life = ?",
    MOST_FAULTS,
    life,
  );
}

/** Says whether the ship was unfit before its newest launch, and has begun nothing since. */
export const isTriedAnew = (ledger: Ledger, life: number): boolean => !!faultsOf(ledger, life)?.anew;

/** Why a life is given nothing, by its faults; undefined when it may have work. */
export function whyFaulty(ledger: Ledger, life: number): string | undefined {
  const faults = faultsOf(ledger, life);
  if (!faults || faults.count < MOST_FAULTS) return undefined;
  return `it failed ${faults.count} times in a row before its work began, at last: ${faults.reason}`;
}

const faultsOf = (ledger: Ledger, life: number) =>
  ledger.store.one<{ count: number; reason: string; anew: number }>("SELECT * FROM faults WHERE life = ?", life);

/** Notes that a task was lost with its ship. Returns how often in a row. */
export function noteLoss(ledger: Ledger, task: string): number {
  ledger.store.run("INSERT INTO losses VALUES (?, 1) ON CONFLICT (task) DO UPDATE SET count = count + 1", task);
  return ledger.store.one<{ count: number }>("SELECT count FROM losses WHERE task = ?", task)!.count;
}

/** Forgets how often a task was lost: it has come to an end that was not its ship's. */
export function forgetLosses(ledger: Ledger, task: string): void {
  ledger.store.run("DELETE FROM losses WHERE task = ?", task);
}
