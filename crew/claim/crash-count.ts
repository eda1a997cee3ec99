import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Claim } from "../helm/heartbeat.ts";
import type { ThisShip } from "../machine/ship.ts";

/** So often a crew may be killed in the midst of one task before that costs a try. */
export const MOST_KILLS = 5;

type Kept = Claim & { kills: number; handedBack: boolean };

/**
 * How often in a row the crew was killed while it worked at a task, by the task or by chance. Kept in a file of the ship, since nothing of the crew
 * survives it, and raised ahead: a crew that is still there when its work ends takes that back.
 */
export class Kills {
  readonly before: number;
  readonly #claim: Claim;
  readonly #file: string;

  /** Of this claim; and of earlier ones of the same task which crews that were told to end handed back. One that the helm took away it counts itself (helm/ledger/faults.ts). */
  constructor(ship: ThisShip, claim: Claim) {
    this.#file = join(ship.crew, "kills.json");
    this.#claim = claim;
    const kept = read(this.#file);
    const goesOn = kept?.task === claim.task && (kept.epoch === claim.epoch || kept.handedBack);
    this.before = goesOn ? kept.kills : 0;
    this.#keep(this.before + 1, false);
  }

  /** This crew too: it was told to end, by whoever can signal it. */
  told(): void {
    this.#keep(this.before + 1, true);
  }

  /** The crew is there, and may go on with the claim. */
  survived(): void {
    this.#keep(this.before, false);
  }

  /** The claim has ended by itself. */
  forget(): void {
    try {
      rmSync(this.#file, { force: true });
    } catch {} // whatever an agent has made of it
  }

  #keep(kills: number, handedBack: boolean): void {
    try {
      writeFileSync(this.#file, JSON.stringify({ ...this.#claim, kills, handedBack } satisfies Kept), { mode: 0o600 });
    } catch {} // a full disk: a count must not fail a task
  }
}

function read(file: string): Kept | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Kept;
  } catch {
    return null;
  }
}
