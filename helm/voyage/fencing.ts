import { dropVerification, giveBack } from "../ledger/claims.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Log } from "../log.ts";
import type { Branch } from "../repository/branch.ts";

/** `lost`: refs saved of the ship, ever. `unsaved`: why the mirror of this life's claim could not be saved; its files are where they were. */
export type Fenced = { lost: string[]; unsaved?: string };

type Parts = {
  id: string;
  ledger: Ledger;
  branch: Branch;
  /** Accepting.alone */
  alone: <T>(job: () => Promise<T>) => Promise<T>;
  log: Log;
  changed: (...tasks: string[]) => Promise<void>;
};

/**
 * Ends a life for good. The order is the point (design 8): first the mark, on disk, from which on nothing of that life is accepted; then its mirror is
 * saved; only then may another ship have the task. A helm that dies in between goes on where it was.
 */
export class Fencing {
  readonly #parts: Parts;
  readonly #underWay = new Map<number, Promise<Fenced>>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Idempotent, also while another call for that life is under way.
   * @param isLost whether the ship fell silent, and was not taken away by the captain: that costs its task no try, but is counted (claims.giveBack).
   */
  fence(life: number, reason: string, isLost: boolean): Promise<Fenced> {
    const same = this.#underWay.get(life);
    if (same) return same;
    const mine = this.#fence(life, reason, isLost).finally(() => this.#underWay.delete(life));
    this.#underWay.set(life, mine);
    return mine;
  }

  /** A fence that nobody waits for: saving a large tree takes minutes. Called again while it is under way it does nothing; one that failed begins anew. */
  begin(life: number, reason: string, isLost: boolean): void {
    if (this.#underWay.has(life)) return;
    const { log, id } = this.#parts;
    this.fence(life, reason, isLost).catch((error) => log("fence-failed", { voyage: id, life, error: String(error) }));
  }

  async #fence(life: number, reason: string, isLost: boolean): Promise<Fenced> {
    await this.#mark(life, reason);
    await this.#rescue(life, reason);
    await this.#requeue(life, reason, isLost);
    return this.#outcome(life);
  }

  /** Beside no move of the branch: one for this life that has begun is through before, and none begins after. It waits for no merge. */
  #mark(life: number, reason: string): Promise<void> {
    const { ledger, alone, log, id } = this.#parts;
    return alone(() =>
      ledger.store.write(() => {
        const { changes } = ledger.store.run(
          "UPDATE lives SET fenced = 1, reason = ? WHERE life = ? AND fenced = 0",
          reason,
          life,
        );
        if (changes) log("fenced", { voyage: id, ship: ledger.life(life)?.ship, life, reason });
      }),
    );
  }

  async #rescue(life: number, reason: string): Promise<void> {
    const { ledger, branch, log, id } = this.#parts;
    const task = ledger.claimOf(life);
    if (!task) return;
    const { ship } = ledger.life(life)!;
    try {
      const ref = await branch.rescue({ ship, task: task.id, epoch: task.epoch, base: task.grant_tip!, reason });
      if (ledger.meta(unsavedKey(life))) await ledger.store.write(() => ledger.setMeta(unsavedKey(life), ""));
      if (!ref) return;
      await ledger.store.write(() =>
        ledger.store.run("INSERT OR IGNORE INTO lost VALUES (?, ?, ?, ?, ?)", ref, task.id, task.epoch, ship, ledger.at()),
      );
      log("rescued", { voyage: id, ship, ref });
    } catch (error) {
      // The mirror's files are still in the folder; a task must not hang on them.
      log("rescue-failed", { voyage: id, ship, task: task.id, error: String(error) });
      await ledger.store.write(() => ledger.setMeta(unsavedKey(life), String(error)));
    }
  }

  async #requeue(life: number, reason: string, isLost: boolean): Promise<void> {
    const { ledger, changed } = this.#parts;
    const task = await ledger.store.write(() => {
      dropVerification(ledger, life, reason);
      const held = ledger.claimOf(life);
      if (held) giveBack(ledger, held, `taken from ${ledger.life(life)!.ship}: ${reason}`, isLost ? "lost" : "handed-back");
      return held?.id;
    });
    await changed(...(task ? [task] : []));
  }

  #outcome(life: number): Fenced {
    const { ledger } = this.#parts;
    const ship = ledger.life(life)?.ship ?? "";
    const lost = ledger.store.all<{ ref: string }>("SELECT ref FROM lost WHERE ship = ? ORDER BY at", ship).map((row) => row.ref);
    const unsaved = ledger.meta(unsavedKey(life));
    return unsaved ? { lost, unsaved } : { lost };
  }
}

/** Kept, so that who asks after the fence is told too. */
const unsavedKey = (life: number) => `unsaved/${life}`;
