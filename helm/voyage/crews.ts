import { tryAnew, whyFaulty } from "../ledger/faults.ts";
import type { Ledger, Life } from "../ledger/ledger.ts";
import { forgetLimits } from "../ledger/limits.ts";
import type { Fenced, Fencing } from "./fencing.ts";
import type { Sightings } from "./liveness.ts";

type Parts = {
  id: string;
  ledger: Ledger;
  sightings: Sightings;
  fencing: Fencing;
  changed: () => Promise<void>;
  /** After so long without a word a crew is taken for gone. */
  silenceMs: () => number;
};

/** A voyage's crews as the captain orders them: registered with a VM, told to stop, fenced, forgotten; and whether they are there. */
export class Crews {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Registers an incarnation and mints its token. Another incarnation of that ship is fenced first; the same one goes on in its life unless
   * that was fenced, and then gets a new life.
   */
  async register(ship: string, incarnation: string): Promise<string> {
    const before = this.#currentLife(ship);
    if (before && !before.fenced && before.incarnation !== incarnation)
      await this.#parts.fencing.fence(before.life, `replaced by ${incarnation}`, false);
    const token = await this.#ledger.store.write(() => {
      const now = this.#currentLife(ship);
      let life = now && !now.fenced && now.incarnation === incarnation ? now.life : undefined;
      if (life === undefined) {
        life = this.#ledger.store.run("INSERT INTO lives (ship, incarnation) VALUES (?, ?)", ship, incarnation).rowId;
      }
      this.#ledger.store.run("UPDATE lives SET greeted = 0 WHERE life = ?", life);
      this.#ledger.store.run(
        "INSERT INTO ships VALUES (?, ?, 0) ON CONFLICT (ship) DO UPDATE SET life = excluded.life, stopping = 0",
        ship,
        life,
      );
      forgetLimits(this.#ledger);
      this.#ledger.setFitness(life, "due");
      tryAnew(this.#ledger, life);
      return this.#ledger.mintToken(this.#parts.id, life);
    });
    await this.#parts.changed();
    return token;
  }

  /** Fences that incarnation of the ship, saves its mirror, requeues its claim. Idempotent. */
  async fence(ship: string, incarnation: string, reason: string): Promise<Fenced> {
    const lives = this.#ledger.store.all<Life>(
      "SELECT * FROM lives WHERE ship = ? AND incarnation = ? ORDER BY life",
      ship,
      incarnation,
    );
    const current = this.#currentLife(ship)?.life;
    const outcome: Fenced = { lost: [] };
    for (const { life, fenced } of lives)
      if (!fenced || life === current) Object.assign(outcome, await this.#parts.fencing.fence(life, reason, false));
    return outcome;
  }

  /** Tells the supervisor of that incarnation to stop; see {@link gone} for its end. */
  async stop(ship: string, incarnation: string): Promise<void> {
    const life = this.#currentLife(ship);
    if (life?.incarnation !== incarnation) return;
    await this.#ledger.store.write(() => this.#ledger.store.run("UPDATE ships SET stopping = 1 WHERE ship = ?", ship));
    this.#parts.sightings.say(life.life, { type: "stop", reason: "the captain says stop" });
    await this.#parts.changed();
  }

  /** Is no supervisor of the ship there any more, as far as can be seen? */
  gone(ship: string): boolean {
    const life = this.#currentLife(ship);
    return !life || !!life.fenced || !this.#parts.sightings.present(life.life, this.#parts.silenceMs());
  }

  /** Fences the ship and forgets it. Quiet when it is unknown. */
  async forget(ship: string): Promise<void> {
    const life = this.#currentLife(ship);
    if (!life) return;
    await this.#parts.fencing.fence(life.life, "the ship was taken out of the voyage", false);
    await this.#ledger.store.write(() => {
      this.#ledger.store.run("DELETE FROM ships WHERE ship = ?", ship);
      this.#ledger.store.run("DELETE FROM tokens WHERE life IN (SELECT life FROM lives WHERE ship = ?)", ship);
    });
    await this.#parts.changed();
  }

  /** Has the supervisor of this incarnation come up since it was last launched, and proven its hand? */
  ready(ship: string, incarnation: string): boolean {
    const life = this.#currentLife(ship);
    return (
      !!life &&
      !life.fenced &&
      life.incarnation === incarnation &&
      (!!life.greeted || this.#parts.sightings.connected(life.life, this.#parts.silenceMs())) &&
      this.#ledger.fitness(life.life) === "fit"
    );
  }

  /** Did the hand's trial fail since the last launch, or the ship itself too often? It will not become ready by waiting. */
  unfit(ship: string): boolean {
    const life = this.#currentLife(ship);
    if (!life) return false;
    return typeof this.#ledger.fitness(life.life) === "object" || whyFaulty(this.#ledger, life.life) !== undefined;
  }

  #currentLife(ship: string): Life | undefined {
    const record = this.#ledger.ship(ship);
    return record && this.#ledger.life(record.life);
  }

  get #ledger(): Ledger {
    return this.#parts.ledger;
  }
}
