import { globsMeet, literalStart, type ParsedGlob, parseGlob } from "./globs.ts";

/** A folder of globs: those that go on with a wildcard or end here, and those that go on with a literal name. */
type Folder<T> = { here: Map<string, Entry<T>>; below: Map<string, Folder<T>> };
type Entry<T> = { glob: ParsedGlob; values: T[] };

/** How many comparisons of globs may still be made. */
export type Bound = { left: number };

/**
 * Finds the lists of globs that may fit a path in common with another list. Globs stand in folders by the literal names
 * with which they begin, so that only those are compared that may meet at all: of 5,000 tasks that touch folders of
 * their own, one or two.
 */
export class TouchIndex<T> {
  readonly #root: Folder<T> = emptyFolder();

  /** Adds what touches these globs. */
  add(touches: readonly string[], value: T): void {
    for (const text of touches) {
      const glob = parseGlob(text);
      let folder = this.#root;
      for (const name of literalStart(glob)) {
        const next = folder.below.get(name) ?? emptyFolder();
        folder.below.set(name, next);
        folder = next;
      }
      const entry = folder.here.get(text) ?? { glob, values: [] };
      folder.here.set(text, entry);
      entry.values.push(value);
    }
  }

  /**
   * Returns what overlaps with these globs. When no comparison is left the rest is taken for what does not, lest a plan
   * in which every glob begins with a wildcard takes minutes; `bound.left` is then below 0.
   */
  overlapping(touches: readonly string[], bound: Bound = { left: Number.POSITIVE_INFINITY }): Set<T> {
    const found = new Set<T>();
    for (const text of touches) {
      const glob = parseGlob(text);
      for (const { glob: other, values } of this.#near(glob)) {
        if (--bound.left < 0) return found;
        if (!values.every((value) => found.has(value)) && globsMeet(glob, other)) for (const value of values) found.add(value);
      }
    }
    return found;
  }

  /** The globs that begin with the same literal names, as far as both have any. */
  *#near(glob: ParsedGlob): Generator<Entry<T>> {
    let folder = this.#root;
    yield* folder.here.values();
    for (const name of literalStart(glob)) {
      const next = folder.below.get(name);
      if (!next) return;
      folder = next;
      yield* folder.here.values();
    }
    const open = [...folder.below.values()];
    for (let next = open.pop(); next; next = open.pop()) {
      yield* next.here.values();
      open.push(...next.below.values());
    }
  }
}

/** Tasks that touch the same by the same globs, and so overlap with the same others. */
export type Alike<T> = { touches: readonly string[]; tasks: T[] };

/** Puts tasks that say what they touch into groups, and the groups into an index. */
export function indexTouches<T>(tasks: Iterable<{ task: T; touches: readonly string[] }>): {
  groups: Alike<T>[];
  index: TouchIndex<Alike<T>>;
} {
  const byTouches = new Map<string, Alike<T>>();
  const index = new TouchIndex<Alike<T>>();
  for (const { task, touches } of tasks) {
    if (touches.length === 0) continue;
    const key = touches.join("\0");
    const known = byTouches.get(key);
    if (known) {
      known.tasks.push(task);
      continue;
    }
    const alike = { touches, tasks: [task] };
    byTouches.set(key, alike);
    index.add(touches, alike);
  }
  return { groups: [...byTouches.values()], index };
}

const emptyFolder = <T>(): Folder<T> => ({ here: new Map(), below: new Map() });
