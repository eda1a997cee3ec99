import { giveBack } from "../ledger/claims.ts";
import { markFenced } from "../ledger/lives.ts";
import { dropProbe } from "../ledger/probes.ts";
import { noteRescue, noteUnsaved, rescuedRefs, whyUnsaved } from "../ledger/rescues.ts";
import { dropVerification } from "../ledger/verifications.ts";
import type { Accepting } from "./accepting.ts";
import type { VoyageContext } from "./context.ts";

/**
 * What a fence has come to. `lost`: all refs that were ever saved of the ship. `unsaved`: why the mirror of this life's
 * claim could not be saved; its files are where they were.
 */
export type Fenced = { lost: string[]; unsaved?: string };

/**
 * Ends lives for good. The order is the point (docs/design.md#fence): first the mark, on disk, from which on nothing of
 * that life is accepted; then its mirror is saved; only then may another ship have the task. A helm that dies in
 * between goes on where it was.
 */
export class Fencing {
  readonly #context: VoyageContext;
  readonly #accepting: Accepting;
  readonly #underWay = new Map<number, Promise<Fenced>>();

  constructor(context: VoyageContext, accepting: Accepting) {
    this.#context = context;
    this.#accepting = accepting;
  }

  /**
   * Ends a life. It may be called again, also while another call for that life is under way.
   * @param isLost whether the ship fell silent, and was not taken away by the captain: that costs its task no try, but
   * is counted
   */
  fence(life: number, reason: string, isLost: boolean): Promise<Fenced> {
    const same = this.#underWay.get(life);
    if (same) return same;
    const mine = this.#fence(life, reason, isLost).finally(() => this.#underWay.delete(life));
    this.#underWay.set(life, mine);
    return mine;
  }

  /**
   * Begins a fence that nobody waits for: saving a large tree takes minutes. Called again while it is under way it does
   * nothing; a fence that failed begins anew.
   */
  begin(life: number, reason: string, isLost: boolean): void {
    if (this.#underWay.has(life)) return;
    const { log, id } = this.#context;
    this.fence(life, reason, isLost).catch((error) => log("fence-failed", { voyage: id, life, error: String(error) }));
  }

  async #fence(life: number, reason: string, isLost: boolean): Promise<Fenced> {
    await this.#mark(life, reason);
    await this.#rescue(life, reason);
    await this.#requeue(life, reason, isLost);
    return this.#outcome(life);
  }

  /**
   * Marks the life beside no move of the branch: one for this life that has begun is through before, and none begins
   * after. It waits for no merge.
   */
  #mark(life: number, reason: string): Promise<void> {
    const { ledger, log, id } = this.#context;
    return this.#accepting.alone(() =>
      ledger.write(() => {
        if (markFenced(ledger, life, reason)) log("fenced", { voyage: id, ship: ledger.life(life)?.ship, life, reason });
      }),
    );
  }

  async #rescue(life: number, reason: string): Promise<void> {
    const { ledger, branch, log, id } = this.#context;
    const task = ledger.claimOf(life);
    if (!task) return;
    const { ship } = ledger.life(life)!;
    try {
      const ref = await branch.rescue({ ship, task: task.id, epoch: task.epoch, base: task.grant_tip!, reason });
      if (!ref) return await ledger.write(() => noteUnsaved(ledger, life, null));
      await ledger.write(() => noteRescue(ledger, life, { ref, task: task.id, epoch: task.epoch, ship }));
      log("rescued", { voyage: id, ship, ref });
    } catch (error) {
      // The mirror's files are still in the folder; a task must not hang on them.
      log("rescue-failed", { voyage: id, ship, task: task.id, error: String(error) });
      await ledger.write(() => noteUnsaved(ledger, life, String(error)));
    }
  }

  async #requeue(life: number, reason: string, isLost: boolean): Promise<void> {
    const { ledger } = this.#context;
    const task = await ledger.write(() => {
      dropVerification(ledger, life, reason);
      dropProbe(ledger, life, reason);
      const held = ledger.claimOf(life);
      if (held) giveBack(ledger, held, `taken from ${ledger.life(life)!.ship}: ${reason}`, isLost ? "lost" : "taken");
      return held?.id;
    });
    await this.#context.changed(...(task ? [task] : []));
  }

  #outcome(life: number): Fenced {
    const { ledger } = this.#context;
    const ship = ledger.life(life)?.ship ?? "";
    const lost = rescuedRefs(ledger, ship);
    const unsaved = whyUnsaved(ledger, life);
    return unsaved === undefined ? { lost } : { lost, unsaved };
  }
}
