import type { Contention } from "./contention.ts";
import { Heap } from "./heap.ts";

/**
 * The free tasks of a simulated voyage, by their ranks, of which the lowest is taken first: but one that overlaps with
 * a task at work only when there is no other. A task that comes or goes costs as many steps as its group overlaps with
 * others, and never as many as there are tasks.
 */
export class FreeTasks {
  readonly #groupOf: Contention["groupOf"];
  readonly #overlapping: Contention["overlapping"];
  readonly #isTaken: Uint8Array;
  /** With how many tasks at work those of each group overlap. */
  readonly #counts: Uint32Array;
  /** All free tasks, and those of each group. Tasks that were taken from elsewhere are passed over. */
  readonly #all = lowestFirst();
  readonly #ofGroup: Heap<number>[];
  /** Tasks that overlapped with none at work when they came here; of a group it has at least the lowest. */
  readonly #clear = lowestFirst();

  constructor({ groupOf, overlapping }: Contention) {
    this.#groupOf = groupOf;
    this.#overlapping = overlapping;
    this.#isTaken = new Uint8Array(groupOf.length);
    this.#counts = new Uint32Array(overlapping.length);
    this.#ofGroup = overlapping.map(lowestFirst);
  }

  /** Adds a task that has become free. */
  add(rank: number): void {
    this.#all.push(rank);
    this.#ofGroup[this.#groupOf[rank]!]?.push(rank);
    if (!this.#overlaps(rank)) this.#clear.push(rank);
  }

  /** Takes a task, which is at work from then on; undefined when none is free. */
  take(): number | undefined {
    const rank = this.#next(this.#clear, (each) => !this.#overlaps(each)) ?? this.#next(this.#all, () => true);
    if (rank === undefined) return undefined;
    this.#isTaken[rank] = 1;
    for (const group of this.#overlappedBy(rank)) this.#counts[group]!++;
    return rank;
  }

  /** Ends the work at a task. */
  end(rank: number): void {
    for (const group of this.#overlappedBy(rank)) {
      if (--this.#counts[group]! > 0) continue;
      const waiting = this.#ofGroup[group]!;
      while (waiting.size > 0 && this.#isTaken[waiting.peek()!]) waiting.pop();
      // Once the lowest is at work the others of its group overlap with it, so that they need not come along.
      if (waiting.size > 0) this.#clear.push(waiting.peek()!);
    }
  }

  #next(heap: Heap<number>, isRight: (rank: number) => boolean): number | undefined {
    for (let rank = heap.pop(); rank !== undefined; rank = heap.pop()) if (!this.#isTaken[rank] && isRight(rank)) return rank;
    return undefined;
  }

  #overlaps(rank: number): boolean {
    return (this.#counts[this.#groupOf[rank]!] ?? 0) > 0;
  }

  #overlappedBy(rank: number): readonly number[] {
    return this.#overlapping[this.#groupOf[rank]!] ?? [];
  }
}

const lowestFirst = () => new Heap<number>((a, b) => a - b);
