import type { Clock } from "../clock.ts";

/** How long a ship is named for what no crew sends. */
const NAMED_MS = 3600_000;

type Sighting = { atMs: number; wallMs: number; note: string | null; closed: boolean };

/** What was seen of each life lately: calls and open presence streams. In memory only. */
export class Sightings {
  readonly #clock: Clock;
  readonly #seen = new Map<number, Sighting>();
  readonly #calls = new Map<number, number>();
  readonly #streams = new Map<number, Set<(line: object) => void>>();
  readonly #refused = new Map<number, { atMs: number; words: string }>();
  #beganMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganMs = clock.now();
  }

  /** Silence counts from now, at most once in so long: the helm was away itself. */
  begin(onceInMs: number): void {
    if (this.#clock.now() - this.#beganMs >= onceInMs) this.#beganMs = this.#clock.now();
  }

  /** The helm calls a ship, to wake it. */
  called(life: number): void {
    this.#calls.set(life, this.unanswered(life) + 1);
  }
  /** How often it was called and not heard of since. */
  unanswered(life: number): number {
    return this.#calls.get(life) ?? 0;
  }

  seen(life: number, note?: string): void {
    this.#calls.delete(life);
    const before = this.#seen.get(life);
    this.#seen.set(life, {
      atMs: this.#clock.now(),
      wallMs: this.#clock.wallMs(),
      note: note ?? before?.note ?? null,
      closed: false,
    });
  }

  /** It has sent what no crew sends. Returns whether that is news. */
  refuse(life: number, words: string): boolean {
    const news = this.refused(life) !== words;
    this.#refused.set(life, { atMs: this.#clock.now(), words });
    return news;
  }
  /** What that was, in the last hour. */
  refused(life: number): string | null {
    const last = this.#refused.get(life);
    return last && this.#clock.now() - last.atMs < NAMED_MS ? last.words : null;
  }

  /** Opens a stream on which `say` can be called; returns what closes it. */
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

  say(life: number, line: object): void {
    for (const say of this.#streams.get(life) ?? []) say(line);
  }
  sayAll(line: object): void {
    for (const life of this.#streams.keys()) this.say(life, line);
  }

  /** Its stream is open, and it was heard of within `silenceMs`: the stream of a ship that froze, or whose network went away, stays open. */
  connected(life: number, silenceMs: number): boolean {
    return (this.#streams.get(life)?.size ?? 0) > 0 && this.silentMs(life) <= silenceMs;
  }
  /** Connected; or heard of within `silenceMs` without having closed its stream since. */
  present(life: number, silenceMs: number): boolean {
    if (this.connected(life, silenceMs)) return true;
    const sighting = this.#seen.get(life);
    return !!sighting && !sighting.closed && this.#clock.now() - sighting.atMs <= silenceMs;
  }
  /** Milliseconds since it was last heard of, or since the helm could have heard of it. */
  silentMs(life: number): number {
    return this.#clock.now() - Math.max(this.#seen.get(life)?.atMs ?? this.#beganMs, this.#beganMs);
  }
  lastSeenAt(life: number): string | null {
    const sighting = this.#seen.get(life);
    return sighting ? new Date(sighting.wallMs).toISOString() : null;
  }
  note(life: number): string | null {
    return this.#seen.get(life)?.note ?? null;
  }
}
