import { z } from "zod";
import { noteEvent } from "./events.ts";
import type { Ledger } from "./ledger.ts";

/**
 * The captain's pause of a voyage: nothing is granted, neither a task nor the verification, until the captain resumes
 * it. It is in the ledger, so that neither a restart of the helm nor an `up` ends it.
 */

const Pause = z.object({
  since: z.string(),
  /** When ships at work are told to give their tasks back; null: they work to their task's end. */
  giveBackAt: z.string().nullable(),
});
type Pause = z.infer<typeof Pause>;

/** The pause as it stands; undefined when the voyage is not paused. */
export function pauseOf(ledger: Ledger): Pause | undefined {
  const text = ledger.meta("paused");
  return text ? Pause.parse(JSON.parse(text)) : undefined;
}

/**
 * Pauses the voyage, or says anew by when a paused one gives its tasks back. It runs inside a write, as {@link resume}
 * does.
 */
export function pause(ledger: Ledger, withinSeconds: number | undefined): void {
  const giveBackAt = withinSeconds === undefined ? null : new Date(Date.parse(ledger.at()) + withinSeconds * 1000).toISOString();
  const paused: Pause = { since: pauseOf(ledger)?.since ?? ledger.at(), giveBackAt };
  ledger.setMeta("paused", JSON.stringify(paused));
  noteEvent(ledger, "paused", { data: { giveBackAt } });
}

export function resume(ledger: Ledger): void {
  if (pauseOf(ledger)) noteEvent(ledger, "resumed");
  forgetPause(ledger);
}

/** Ends a pause without a word, as the voyage itself ends. It runs inside a write. */
export const forgetPause = (ledger: Ledger): void => ledger.setMeta("paused", "");

/** Says whether verify.sh would be given to a ship that asks now. */
export const isVerificationGrantable = (ledger: Ledger, tip: string): boolean => ledger.verificationDue(tip) && !pauseOf(ledger);

/** Why ships at work are to give their tasks back now; null while they may go on. */
export function whyGiveBack(ledger: Ledger): string | null {
  const giveBackAt = pauseOf(ledger)?.giveBackAt;
  return giveBackAt && giveBackAt <= ledger.at() ? "the voyage is paused, and its tasks are given back" : null;
}
