import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

/**
 * Rows by their keys, each a signal of its own: where one row of a thousand changes, only what shows that row is drawn
 * anew. `keys` changes only when rows come or go.
 */
export class Keyed<Row> {
  readonly #rows = new Map<string, Signal<Row>>();
  readonly #keys = signal<readonly string[]>([]);
  readonly #version = signal(0);
  readonly #keyOf: (row: Row) => string;

  constructor(keyOf: (row: Row) => string) {
    this.#keyOf = keyOf;
  }

  get keys(): ReadonlySignal<readonly string[]> {
    return this.#keys;
  }

  /** Rises with each change of any row; what counts over all rows depends on it. */
  get version(): ReadonlySignal<number> {
    return this.#version;
  }

  row(key: string): ReadonlySignal<Row> | undefined {
    return this.#rows.get(key);
  }

  /** All rows as they are now, in the order of their keys. */
  all(): Row[] {
    void this.#version.value;
    return this.peek();
  }

  /** The same, for who is not to be told of changes. */
  peek(): Row[] {
    return this.#keys.peek().map((key) => this.#rows.get(key)!.peek());
  }

  /** Puts these rows in the place of all that were there. */
  replace(rows: readonly Row[]): void {
    const keys = rows.map(this.#keyOf);
    const gone = new Set(this.#rows.keys());
    for (const [index, row] of rows.entries()) {
      gone.delete(keys[index]!);
      this.#put(keys[index]!, row);
    }
    for (const key of gone) this.#rows.delete(key);
    const before = this.#keys.peek();
    if (before.length !== keys.length || keys.some((key, index) => key !== before[index])) this.#keys.value = keys;
    this.#version.value++;
  }

  /** Puts these rows in place, takes `gone` out, and brings all into `order` where it is told. */
  change(rows: readonly Row[], gone: readonly string[] = [], order?: readonly string[]): void {
    const added: string[] = [];
    for (const row of rows) {
      const key = this.#keyOf(row);
      if (!this.#rows.has(key)) added.push(key);
      this.#put(key, row);
    }
    for (const key of gone) this.#rows.delete(key);
    if (order || added.length > 0 || gone.length > 0)
      this.#keys.value = (order ?? [...this.#keys.peek(), ...added]).filter((key) => this.#rows.has(key));
    this.#version.value++;
  }

  #put(key: string, row: Row): void {
    const known = this.#rows.get(key);
    if (!known) this.#rows.set(key, signal(row));
    else if (JSON.stringify(known.peek()) !== JSON.stringify(row)) known.value = row;
  }
}
