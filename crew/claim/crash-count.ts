import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Claim } from "../helm/claim-state.ts";
import type { ThisShip } from "../machine/ship.ts";

/** How often a crew may be killed in the midst of one task before that costs the task a try. */
export const MOST_CRASHES = 5;

type Kept = Claim & { kills: number; handedBack: boolean };

/**
 * Counts how often in a row the crew was killed while it worked at one task, by the task or by chance. The count lies
 * in a file of the ship, since nothing else of a killed crew survives. It is raised before the work begins, and a crew
 * that is still there when its work ends takes that back.
 */
export class CrashCount {
  /** How often earlier crews were killed at this task. */
  readonly before: number;
  readonly #claim: Claim;
  readonly #file: string;

  /**
   * Goes on with the count of the same claim, or of an earlier claim of the same task which a crew that was told to end
   * handed back. Claims that the helm took away are counted by the helm (helm/ledger/faults.ts).
   */
  constructor(ship: ThisShip, claim: Claim) {
    this.#file = join(ship.crew, "kills.json");
    this.#claim = claim;
    const kept = read(this.#file);
    const goesOn = kept?.task === claim.task && (kept.epoch === claim.epoch || kept.handedBack);
    this.before = goesOn ? kept.kills : 0;
    this.#keep(this.before + 1, false);
  }

  /** This crew was told to end by a signal, which anybody on the ship can send, the task too: that counts. */
  signalled(): void {
    this.#keep(this.before + 1, true);
  }

  /** This crew is still there and may go on with the claim: that does not count. */
  survived(): void {
    this.#keep(this.before, false);
  }

  /** The claim has ended by itself, and the count with it. */
  forget(): void {
    try {
      rmSync(this.#file, { force: true });
    } catch {} // An agent may have put something in the file's place.
  }

  #keep(kills: number, handedBack: boolean): void {
    try {
      writeFileSync(this.#file, JSON.stringify({ ...this.#claim, kills, handedBack } satisfies Kept), { mode: 0o600 });
    } catch {} // The disk may be full, and a count must not fail a task.
  }
}

function read(file: string): Kept | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Kept;
  } catch {
    return null;
  }
}
