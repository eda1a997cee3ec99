import { whyFaulty } from "../ledger/faults.ts";
import { currentLife, forgetShip, livesOf, noteStopping, registerLaunch } from "../ledger/lives.ts";
import type { VoyageContext } from "./context.ts";
import type { Fenced, Fencing } from "./fencing.ts";

/**
 * The crews of a voyage as the captain orders them: registered with a VM, told to stop, fenced, forgotten; and whether
 * they are there.
 */
export class Crews {
  readonly #context: VoyageContext;
  readonly #fencing: Fencing;

  constructor(context: VoyageContext, fencing: Fencing) {
    this.#context = context;
    this.#fencing = fencing;
  }

  /**
   * Registers a launch of an incarnation, and mints its token. Another incarnation of that ship is fenced first; the
   * same one goes on in its life unless that was fenced, and then gets a new life.
   */
  async register(ship: string, incarnation: string): Promise<string> {
    const { ledger, id } = this.#context;
    const before = currentLife(ledger, ship);
    if (before && !before.fenced && before.incarnation !== incarnation)
      await this.#fencing.fence(before.life, `replaced by ${incarnation}`, false);
    const token = await ledger.write(() => ledger.mintToken(id, registerLaunch(ledger, ship, incarnation)));
    await this.#context.changed();
    return token;
  }

  /**
   * Fences that incarnation of the ship, saves its mirror, and makes its task pending again. It may be called again.
   */
  async fence(ship: string, incarnation: string, reason: string): Promise<Fenced> {
    const { ledger } = this.#context;
    const current = currentLife(ledger, ship)?.life;
    const outcome: Fenced = { lost: [] };
    for (const { life, fenced } of livesOf(ledger, ship, incarnation))
      if (!fenced || life === current) Object.assign(outcome, await this.#fencing.fence(life, reason, false));
    return outcome;
  }

  /** Tells the supervisor of that incarnation to stop; {@link gone} says when it has. */
  async stop(ship: string, incarnation: string): Promise<void> {
    const { ledger, liveness } = this.#context;
    const life = currentLife(ledger, ship);
    if (life?.incarnation !== incarnation) return;
    await ledger.write(() => noteStopping(ledger, ship));
    liveness.say(life.life, { type: "stop", reason: "the captain says stop" });
    await this.#context.changed();
  }

  /** Says whether no supervisor of the ship is there any more, as far as can be seen. */
  gone(ship: string): boolean {
    const life = currentLife(this.#context.ledger, ship);
    return !life || !!life.fenced || !this.#context.liveness.present(life.life, this.#context.silenceMs);
  }

  /** Fences the ship and takes it out of the voyage. Does nothing when it is unknown. */
  async forget(ship: string): Promise<void> {
    const { ledger } = this.#context;
    const life = currentLife(ledger, ship);
    if (!life) return;
    await this.#fencing.fence(life.life, "the ship was taken out of the voyage", false);
    await ledger.write(() => forgetShip(ledger, ship));
    await this.#context.changed();
  }

  /**
   * Says whether the supervisor of this incarnation has reported since it was last launched, and its hand has shown
   * that it can work.
   */
  ready(ship: string, incarnation: string): boolean {
    const { ledger, liveness } = this.#context;
    const life = currentLife(ledger, ship);
    return (
      !!life &&
      !life.fenced &&
      life.incarnation === incarnation &&
      (!!life.greeted || liveness.connected(life.life, this.#context.silenceMs)) &&
      ledger.fitness(life.life) === "fit"
    );
  }

  /**
   * Says whether the hand's trial has failed since the last launch, or the ship itself too often. Such a ship does not
   * become ready by waiting.
   */
  unfit(ship: string): boolean {
    const { ledger } = this.#context;
    const life = currentLife(ledger, ship);
    if (!life) return false;
    return typeof ledger.fitness(life.life) === "object" || whyFaulty(ledger, life.life) !== undefined;
  }
}
