import type { HelmClock } from "../clock.ts";

/** How long a ship is named for having sent what no crew sends. */
export const NAMED_MS = 3600_000;

type Sighting = { atMs: number; wallMs: number; note: string | null; quietSeconds: number | undefined; closed: boolean };

/** What was heard of each life lately: calls and open presence streams. It is kept in memory only. */
export class Liveness {
  readonly #clock: HelmClock;
  readonly #seen = new Map<number, Sighting>();
  readonly #calls = new Map<number, number>();
  readonly #streams = new Map<number, Set<(line: object) => void>>();
  readonly #refused = new Map<number, { atMs: number; wallMs: number; words: string }>();
  #beganMs: number;

  constructor(clock: HelmClock) {
    this.#clock = clock;
    this.#beganMs = clock.now();
  }

  /** Counts all silence from now, since the helm was away itself; at most once in `onceInMs`. */
  begin(onceInMs: number): void {
    if (this.#clock.now() - this.#beganMs >= onceInMs) this.#beganMs = this.#clock.now();
  }

  /** Notes that the helm calls a ship, to wake it. */
  called(life: number): void {
    this.#calls.set(life, this.unanswered(life) + 1);
  }
  /** How often the ship was called and not heard of since. */
  unanswered(life: number): number {
    return this.#calls.get(life) ?? 0;
  }

  /**
   * Notes a call of the life.
   *
   * @param told  what its hand does now, for people, and for how long nothing has come of it
   */
  seen(life: number, { note, quietSeconds }: { note?: string | undefined; quietSeconds?: number | undefined } = {}): void {
    this.#calls.delete(life);
    const before = this.#seen.get(life);
    this.#seen.set(life, {
      atMs: this.#clock.now(),
      wallMs: this.#clock.wallMs(),
      note: note ?? before?.note ?? null,
      // A call that says nothing of it is no progress, and no word that there is none.
      quietSeconds:
        quietSeconds ??
        (before?.quietSeconds !== undefined ? before.quietSeconds + (this.#clock.now() - before.atMs) / 1000 : undefined),
      closed: false,
    });
  }

  /** Notes that the life has sent what no crew sends. Returns whether that is news. */
  refuse(life: number, words: string): boolean {
    const news = this.refused(life)?.words !== words;
    this.#refused.set(life, { atMs: this.#clock.now(), wallMs: this.#clock.wallMs(), words });
    return news;
  }
  /** What the life has sent in the last hour that no crew sends; null when it was nothing. */
  refused(life: number): { words: string; at: string } | null {
    const last = this.#refused.get(life);
    if (!last || this.#clock.now() - last.atMs >= NAMED_MS) return null;
    return { words: last.words, at: new Date(last.wallMs).toISOString() };
  }

  /** Notes an open presence stream, on which `say` sends a line. Returns what closes it. */
  open(life: number, say: (line: object) => void): () => void {
    this.seen(life);
    const streams = this.#streams.get(life) ?? new Set();
    this.#streams.set(life, streams.add(say));
    return () => {
      streams.delete(say);
      const sighting = this.#seen.get(life);
      if (streams.size === 0 && sighting) sighting.closed = true;
    };
  }

  /** Sends a line on all presence streams of the life. */
  say(life: number, line: object): void {
    for (const say of this.#streams.get(life) ?? []) say(line);
  }
  sayAll(line: object): void {
    for (const life of this.#streams.keys()) this.say(life, line);
  }

  /**
   * Says whether a stream of the life is open and it was heard of within `silenceMs`. The stream alone says nothing:
   * that of a ship which froze, or whose network went away, stays open.
   */
  connected(life: number, silenceMs: number): boolean {
    return (this.#streams.get(life)?.size ?? 0) > 0 && this.silentMs(life) <= silenceMs;
  }
  /** Says whether the life is connected, or was heard of within `silenceMs` and has not closed its stream since. */
  present(life: number, silenceMs: number): boolean {
    if (this.connected(life, silenceMs)) return true;
    const sighting = this.#seen.get(life);
    return !!sighting && !sighting.closed && this.#clock.now() - sighting.atMs <= silenceMs;
  }
  /** Milliseconds since the life was last heard of, or since the helm could have heard of it. */
  silentMs(life: number): number {
    return this.#clock.now() - Math.max(this.#seen.get(life)?.atMs ?? this.#beganMs, this.#beganMs);
  }
  lastSeenAt(life: number): string | null {
    const sighting = this.#seen.get(life);
    return sighting ? new Date(sighting.wallMs).toISOString() : null;
  }
  /** When something last came of the life's work, by its own word; undefined when it says nothing of it. */
  progressAt(life: number): string | undefined {
    const sighting = this.#seen.get(life);
    if (sighting?.quietSeconds === undefined) return undefined;
    return new Date(sighting.wallMs - sighting.quietSeconds * 1000).toISOString();
  }
  /** What the hand of the life was doing when it last said so. */
  note(life: number): string | null {
    return this.#seen.get(life)?.note ?? null;
  }
}
