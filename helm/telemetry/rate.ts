/** How much one sender may send: so much a second over a long time, and so much at once. */
const REQUESTS = { aSecond: 100, atOnce: 1_000 };
const BYTES = { aSecond: 4 * 1024 * 1024, atOnce: 64 * 1024 * 1024 };
/** Senders that have been quiet are forgotten: by then they have their whole measure again. */
const MOST_SENDERS = 10_000;

type Measure = { at: number; requests: number; bytes: number };

/** Bounds what each sender sends. A sender that has sent too much waits until it may send again. */
export class Rate {
  readonly #left = new Map<string, Measure>();
  readonly #nowMs: () => number;

  constructor(nowMs = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Returns 0 when `who` may send a request now, and else after how many seconds. */
  wait(who: string): number {
    const left = this.#now(who);
    if (left.bytes <= 0) return Math.ceil(-left.bytes / BYTES.aSecond) + 1;
    if (left.requests < 1) return 1;
    left.requests -= 1;
    return 0;
  }

  /** Notes how much came with a request; a request may be the last one for a while. */
  sent(who: string, bytes: number): void {
    this.#now(who).bytes -= bytes;
  }

  #now(who: string): Measure {
    const now = this.#nowMs();
    const before = this.#left.get(who) ?? { at: now, requests: REQUESTS.atOnce, bytes: BYTES.atOnce };
    const seconds = (now - before.at) / 1000;
    const measure = {
      at: now,
      requests: Math.min(REQUESTS.atOnce, before.requests + seconds * REQUESTS.aSecond),
      bytes: Math.min(BYTES.atOnce, before.bytes + seconds * BYTES.aSecond),
    };
    this.#left.delete(who);
    this.#left.set(who, measure);
    if (this.#left.size > MOST_SENDERS) this.#left.delete(this.#left.keys().next().value!);
    return measure;
  }
}
