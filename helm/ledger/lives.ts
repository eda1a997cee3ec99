import { noteEvent } from "./events.ts";
import { tryAnew } from "./faults.ts";
import type { Ledger, Life } from "./ledger.ts";
import { forgetLimits } from "./limits.ts";
import { forgetPause } from "./pause.ts";

/** Ships and their lives. Each function that changes something runs inside one write of the store. */

/** A life that holds a task, the verification or a probe, and whether it is fenced already. */
export type Holder = { life: number; fenced: number };

/** The newest life of a ship; undefined when the ship is not registered. */
export function currentLife(ledger: Ledger, ship: string): Life | undefined {
  const record = ledger.ship(ship);
  return record && ledger.life(record.life);
}

/** All lives that this incarnation of the ship has had, the oldest first. */
export const livesOf = (ledger: Ledger, ship: string, incarnation: string): Life[] =>
  ledger.store.all<Life>("SELECT * FROM lives WHERE ship = ? AND incarnation = ? ORDER BY life", ship, incarnation);

/** All lives that hold a task, the verification or a probe. */
export const holders = (ledger: Ledger): Holder[] =>
  ledger.store.all<Holder>(
    `SELECT life, fenced FROM lives WHERE life IN
       (SELECT life FROM tasks WHERE status = 'claimed' UNION SELECT life FROM verifications WHERE status = 'claimed'
        UNION SELECT life FROM probes WHERE status = 'claimed')`,
  );

/** Says whether any ship of the voyage has ever said hello. */
export const hasHeardOfAnyShip = (ledger: Ledger): boolean =>
  ledger.store.one("SELECT 1 FROM lives WHERE hello_at IS NOT NULL LIMIT 1") !== undefined;

/**
 * Registers a launch of a ship. The same incarnation goes on in its life, unless that was fenced: then, and for another
 * incarnation, a new life begins. What an earlier launch has left behind (a limit, a trial, faults) is looked at anew.
 * Returns the life.
 */
export function registerLaunch(ledger: Ledger, ship: string, incarnation: string): number {
  const { store } = ledger;
  const now = currentLife(ledger, ship);
  const goesOn = now && !now.fenced && now.incarnation === incarnation;
  const life = goesOn ? now.life : store.run("INSERT INTO lives (ship, incarnation) VALUES (?, ?)", ship, incarnation).rowId;
  store.run("UPDATE lives SET greeted = 0 WHERE life = ?", life);
  store.run("INSERT INTO ships VALUES (?, ?, 0) ON CONFLICT (ship) DO UPDATE SET life = excluded.life, stopping = 0", ship, life);
  forgetLimits(ledger);
  ledger.setFitness(life, "due");
  tryAnew(ledger, life);
  noteEvent(ledger, "ship-registered", { ship, data: { incarnation, life } });
  return life;
}

/** Notes that the crew of this life has said hello. */
export function noteHello(ledger: Ledger, life: number): void {
  ledger.store.run("UPDATE lives SET hello_at = ?, greeted = 1 WHERE life = ?", ledger.at(), life);
  ledger.setMeta(goodbyeKey(life), "");
  noteEvent(ledger, "ship-hello", { ship: ledger.life(life)?.ship });
}

/** Notes that the crew of this life has said goodbye. */
export function noteGoodbye(ledger: Ledger, life: number, why: string): void {
  if (goodbyeOf(ledger, life)) return;
  ledger.setMeta(goodbyeKey(life), JSON.stringify({ at: ledger.at(), why }));
  noteEvent(ledger, "ship-away", { ship: ledger.life(life)?.ship, reason: why });
}

/** When the crew of this life has said goodbye, and why; undefined when it did not since its hello. */
export function goodbyeOf(ledger: Ledger, life: number): { at: string; why: string } | undefined {
  const text = ledger.meta(goodbyeKey(life));
  return text ? (JSON.parse(text) as { at: string; why: string }) : undefined;
}

const goodbyeKey = (life: number) => `goodbye/${life}`;

/** Notes what the trial of a hand has shown. */
export function noteTrial(ledger: Ledger, life: number, { fit, message }: { fit: boolean; message: string }): void {
  const before = ledger.fitness(life);
  ledger.setFitness(life, fit ? "fit" : { unfit: message });
  const after = ledger.fitness(life);
  const about = { ship: ledger.life(life)?.ship };
  if (after === "fit" && before !== "fit") noteEvent(ledger, "ship-fit", about);
  if (typeof after === "object" && typeof before !== "object") noteEvent(ledger, "ship-unfit", { ...about, reason: after.unfit });
}

/** Notes that the ship's crew is to stop; a ship that stops is given nothing more. */
export function noteStopping(ledger: Ledger, ship: string): void {
  ledger.store.run("UPDATE ships SET stopping = 1 WHERE ship = ?", ship);
}

/** Ends a life for good. Returns false when it had ended before: then the first reason stays. */
export function markFenced(ledger: Ledger, life: number, reason: string): boolean {
  const { changes } = ledger.store.run("UPDATE lives SET fenced = 1, reason = ? WHERE life = ? AND fenced = 0", reason, life);
  if (changes > 0) noteEvent(ledger, "ship-fenced", { ship: ledger.life(life)?.ship, reason });
  return changes > 0;
}

/**
 * Takes a ship out of the voyage: none of its tokens is known any more. Its lives stay, for what they did and spent.
 */
export function forgetShip(ledger: Ledger, ship: string): void {
  ledger.store.run("DELETE FROM ships WHERE ship = ?", ship);
  ledger.store.run("DELETE FROM tokens WHERE life IN (SELECT life FROM lives WHERE ship = ?)", ship);
  noteEvent(ledger, "ship-forgotten", { ship });
}

/** Ends the voyage, and its pause: no token of any ship is known any more. */
export function markSunk(ledger: Ledger): void {
  ledger.setMeta("sunk", "1");
  forgetPause(ledger);
  // Whoever sails anew sees what is configured, and no word of long ago.
  ledger.setMeta("budgetWord", "");
  ledger.store.run("DELETE FROM tokens");
  noteEvent(ledger, "voyage-deregistered");
}
