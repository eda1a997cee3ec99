import { noteEvent } from "./events.ts";
import type { Ledger } from "./ledger.ts";

/**
 * What was saved of the mirrors of fenced ships, and what could not be. Each function that changes something runs
 * inside one write of the store.
 */

/**
 * Notes the ref that holds what a ship had not delivered of a task, and that nothing of this life is unsaved any more.
 */
export function noteRescue(
  ledger: Ledger,
  life: number,
  saved: { ref: string; task: string; epoch: number; ship: string },
): void {
  const { ref, task, epoch, ship } = saved;
  const { changes } = ledger.store.run("INSERT OR IGNORE INTO lost VALUES (?, ?, ?, ?, ?)", ref, task, epoch, ship, ledger.at());
  if (changes > 0) noteEvent(ledger, "rescued", { task, ship, epoch, data: { ref } });
  noteUnsaved(ledger, life, null);
}

/** Notes why the mirror of this life's claim could not be saved; null: there is nothing that was not. */
export function noteUnsaved(ledger: Ledger, life: number, why: string | null): void {
  if (why !== null || whyUnsaved(ledger, life) !== undefined) ledger.setMeta(unsavedKey(life), why ?? "");
}

/**
 * Tells why the mirror of this life's claim could not be saved, to whoever asks after the fence as well; undefined when
 * it was.
 */
export const whyUnsaved = (ledger: Ledger, life: number): string | undefined => ledger.meta(unsavedKey(life)) || undefined;

/** All refs that were ever saved of a ship, the oldest first. */
export const rescuedRefs = (ledger: Ledger, ship: string): string[] =>
  ledger.store.all<{ ref: string }>("SELECT ref FROM lost WHERE ship = ? ORDER BY at", ship).map((row) => row.ref);

const unsavedKey = (life: number) => `unsaved/${life}`;
