import type { HelmClock } from "../clock.ts";

/**
 * How long a task that was in conflict goes first without coming back with its work: its hand may dawdle, and others
 * wait.
 */
const TURN_MS = 10 * 60_000;
/**
 * How long a ship goes first in all, from its first conflict since it last had a task accepted, and how much time
 * passes before it may again: a ship may only ask again and again, or hand back and claim anew, and others would wait
 * for it for ever.
 */
const LINE_MS = 30 * 60_000;
const LINE_EVERY_MS = 6 * 3600_000;
/** How long a ship that waits may be silent: it asks again after a few seconds, each time. */
const ASKS_MS = 30_000;
const LOOK_MS = 1_000;
/** After how many conflicts of one task nothing else is accepted before it, whatever it touches. */
const ALONE_AT = 5;

export type Claim = { task: string; epoch: number; life: number };
type Turn = Claim & {
  /** The files that the task touches; null: everything. */
  files: ReadonlySet<string> | null;
  /** The task was in conflict and is done again; else it waits, with its work done. */
  again: boolean;
  atMs: number;
};

/**
 * The order of accepts where tasks change the same files. To lose a race is no failure, but without turns a task may
 * lose each time: whoever is faster would be accepted again and again, while another does its work in vain. So a task
 * that is in conflict keeps its turn: until it has come back, no other that touches its files is accepted; those wait
 * with their work done, in the order in which they came. The line is kept in memory only: after a start of the helm the
 * first conflict begins a new one.
 */
export class Races {
  readonly #clock: HelmClock;
  /** Says whether a claim goes on; one that has ended has no turn. */
  readonly #isHeld: (task: string, epoch: number) => boolean;
  readonly #conflicts = new Map<string, number>();
  /** When each life first was in conflict since it had a task accepted. */
  readonly #since = new Map<number, number>();
  #line: Turn[] = [];
  #moves: (() => void)[] = [];

  constructor(clock: HelmClock, isHeld: (task: string, epoch: number) => boolean) {
    this.#clock = clock;
    this.#isHeld = isHeld;
  }

  /** Says whether no other task stands in line. */
  isFree(task: string): boolean {
    this.#tidy();
    return this.#line.every((turn) => turn.task === task);
  }

  /** The task that must be accepted before this one, which touches `files`; null: everything. */
  before(task: string, files: readonly string[] | null): string | undefined {
    this.#tidy();
    const own = this.#line.findIndex((turn) => turn.task === task);
    const ahead = own < 0 ? this.#line : this.#line.slice(0, own);
    const meets = (turn: Turn) => files === null || turn.files === null || files.some((file) => turn.files!.has(file));
    return ahead.find((turn) => turn.task !== task && meets(turn))?.task;
  }

  /**
   * As {@link before}, by the files that this task touched when it last asked; undefined also when it does not stand in
   * line.
   */
  stillBefore(task: string, epoch: number): string | undefined {
    const own = this.#line.find((turn) => turn.task === task && turn.epoch === epoch && !turn.again);
    if (!own?.files) return undefined;
    const other = this.before(task, [...own.files]);
    if (other !== undefined) own.atMs = this.#clock.now();
    return other;
  }

  /** Notes that a task is in conflict: it is done again, and keeps its place in the line. */
  conflict({ task, epoch, life }: Claim, files: readonly string[]): void {
    const conflicts = (this.#conflicts.get(task) ?? 0) + 1;
    this.#conflicts.set(task, conflicts);
    const atMs = this.#clock.now();
    if (atMs - (this.#since.get(life) ?? -LINE_EVERY_MS) >= LINE_EVERY_MS) this.#since.set(life, atMs);
    this.#stand({ task, epoch, life, files: conflicts >= ALONE_AT ? null : new Set(files), again: true, atMs });
  }

  /** Notes that a task waits for those before it. */
  waits({ task, epoch, life }: Claim, files: readonly string[] | null): void {
    this.#stand({ task, epoch, life, files: files && new Set(files), again: false, atMs: this.#clock.now() });
  }

  /** Notes that a task was accepted: its place in the line is free. */
  accepted({ task, life }: Pick<Claim, "task" | "life">): void {
    this.#conflicts.delete(task);
    this.#since.delete(life);
    this.#line = this.#line.filter((turn) => turn.task !== task);
    for (const move of this.#moves.splice(0)) move();
  }

  /** Resolves when a task was accepted, or after a while, since a turn may also end otherwise. */
  moved(): Promise<void> {
    return new Promise((resolve) => {
      this.#moves.push(resolve);
      setTimeout(resolve, LOOK_MS).unref();
    });
  }

  #stand(turn: Turn): void {
    const at = this.#line.findIndex(({ task }) => task === turn.task);
    if (at < 0) this.#line.push(turn);
    else this.#line[at] = turn;
  }

  #tidy(): void {
    const now = this.#clock.now();
    this.#line = this.#line.filter(
      ({ task, epoch, life, again, atMs }) =>
        now - atMs <= (again ? TURN_MS : ASKS_MS) && now - (this.#since.get(life) ?? now) <= LINE_MS && this.#isHeld(task, epoch),
    );
  }
}
