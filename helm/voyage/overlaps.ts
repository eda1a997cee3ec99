import { type Alike as AlikeTasks, indexTouches, TouchIndex } from "../../lib/plan/touch-index.ts";
import { effectiveTouches } from "../../lib/plan/touches.ts";
import type { PlanTask } from "../../lib/plan/types.ts";
import type { Ledger } from "../ledger/ledger.ts";

type Alike = AlikeTasks<string>;
/**
 * The most comparisons for one task that comes to work, which take some hundredths of a second. Honest plans are far
 * below; where more would be needed, the order of grants is not worth it.
 */
const MOST_COMPARISONS = 50_000;

/**
 * Which tasks may write the same files as tasks at work, by what their plan says that they touch. All of it follows
 * from the ledger. What is kept here spares comparing everything at each grant: a task that has come to work since the
 * last look is compared with all others, once, and one that is at work no more is taken away.
 */
export class Overlaps {
  readonly #ledger: Ledger;
  #revision: string | undefined;
  #index = new TouchIndex<Alike>();
  /** For each claim under way, by task and epoch, what it overlaps with. */
  readonly #atWork = new Map<string, ReadonlySet<Alike>>();
  /** With how many claims under way the tasks of a kind overlap. */
  readonly #counts = new Map<Alike, number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** The ids of tasks that overlap with one at work. A task of which nothing is said overlaps with none. */
  withWork(): string[] {
    const revision = this.#ledger.planRevision();
    if (revision !== this.#revision) this.#readPlan(revision);
    const claims = new Map(this.#ledger.atWork().map((claim) => [`${claim.id}/${claim.epoch}`, claim.id]));
    for (const [claim, overlapped] of this.#atWork) {
      if (claims.has(claim)) continue;
      this.#atWork.delete(claim);
      for (const kind of overlapped) this.#count(kind, -1);
    }
    for (const [claim, id] of claims) {
      if (this.#atWork.has(claim)) continue;
      const overlapped = this.#overlapping(id);
      this.#atWork.set(claim, overlapped);
      for (const kind of overlapped) this.#count(kind, 1);
    }
    return [...this.#counts.keys()].flatMap(({ tasks }) => tasks);
  }

  #readPlan(revision: string): void {
    this.#atWork.clear();
    this.#counts.clear();
    const tasks = this.#ledger.planned().map(({ id, planned }) => ({ task: id, touches: touchesOf(planned) }));
    this.#index = indexTouches(tasks).index;
    this.#revision = revision;
  }

  /** The tasks that overlap with one at work, whose text is that of its grant and perhaps not the newest plan's. */
  #overlapping(id: string): ReadonlySet<Alike> {
    return this.#index.overlapping(touchesOf(this.#ledger.task(id)!.body), { left: MOST_COMPARISONS });
  }

  #count(kind: Alike, by: 1 | -1): void {
    const count = (this.#counts.get(kind) ?? 0) + by;
    if (count === 0) this.#counts.delete(kind);
    else this.#counts.set(kind, count);
  }
}

/** What a task of the ledger touches. The ledger holds none that was not checked. */
const touchesOf = (json: string) => effectiveTouches(JSON.parse(json) as PlanTask);
