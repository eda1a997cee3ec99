/** A heap, from which the least of its entries is taken first. */
export class Heap<T> {
  readonly #entries: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#entries.length;
  }

  peek(): T | undefined {
    return this.#entries[0];
  }

  push(entry: T): void {
    const entries = this.#entries;
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#compare(entry, entries[above]!) >= 0) break;
      entries[at] = entries[above]!;
      at = above;
    }
    entries[at] = entry;
  }

  pop(): T | undefined {
    const entries = this.#entries;
    const least = entries[0];
    const last = entries.pop();
    if (entries.length === 0 || last === undefined) return least;
    let at = 0;
    for (let below = 1; below < entries.length; below = at * 2 + 1) {
      if (below + 1 < entries.length && this.#compare(entries[below + 1]!, entries[below]!) < 0) below++;
      if (this.#compare(last, entries[below]!) <= 0) break;
      entries[at] = entries[below]!;
      at = below;
    }
    entries[at] = last;
    return least;
  }
}
