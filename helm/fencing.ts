import type { Branch } from "./branch.ts";
import { dropVerification, giveBack } from "./claims.ts";
import type { Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";

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
  readonly #underWay = new Map<number, Promise<string[]>>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Idempotent, also while another call for that life is under way. Returns the refs saved of this life, ever.
   * @param counts whether the task's claim counts as a try: it does when a ship fell silent with it, not when the captain took the ship away.
   */
  fence(life: number, reason: string, counts: boolean): Promise<string[]> {
    const same = this.#underWay.get(life);
    if (same) return same;
    const mine = this.#fence(life, reason, counts).finally(() => this.#underWay.delete(life));
    this.#underWay.set(life, mine);
    return mine;
  }

  async #fence(life: number, reason: string, counts: boolean): Promise<string[]> {
    await this.#mark(life, reason);
    await this.#rescue(life, reason);
    await this.#requeue(life, reason, counts);
    return this.#saved(life);
  }

  /** Finishes fences that a death of the helm cut short. */
  async recover(): Promise<void> {
    const { ledger } = this.#parts;
    const cut = ledger.store.all<{ life: number; reason: string | null }>(
      `SELECT life, reason FROM lives WHERE fenced = 1 AND life IN
         (SELECT life FROM tasks WHERE status = 'claimed' UNION SELECT life FROM verifications WHERE status = 'claimed')`,
    );
    for (const { life, reason } of cut) await this.fence(life, reason ?? "", true);
  }

  /** Beside no accept: one of this life that has begun to move the branch is through before, and none begins after. */
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
      if (!ref) return;
      await ledger.store.write(() =>
        ledger.store.run("INSERT OR IGNORE INTO lost VALUES (?, ?, ?, ?, ?)", ref, task.id, task.epoch, ship, ledger.at()),
      );
      log("rescued", { voyage: id, ship, ref });
    } catch (error) {
      // The mirror's files are still in the folder; a task must not hang on them.
      log("rescue-failed", { voyage: id, ship, task: task.id, error: String(error) });
    }
  }

  async #requeue(life: number, reason: string, counts: boolean): Promise<void> {
    const { ledger, changed } = this.#parts;
    const task = await ledger.store.write(() => {
      dropVerification(ledger, life, reason);
      const held = ledger.claimOf(life);
      if (held) giveBack(ledger, held, `${ledger.life(life)!.ship} was lost: ${reason}`, counts);
      return held?.id;
    });
    await changed(...(task ? [task] : []));
  }

  #saved(life: number): string[] {
    const { ledger } = this.#parts;
    const ship = ledger.life(life)?.ship ?? "";
    return ledger.store.all<{ ref: string }>("SELECT ref FROM lost WHERE ship = ? ORDER BY at", ship).map((row) => row.ref);
  }
}
