import { HttpError } from "../http-error.ts";

type Bounds = {
  /** How many jobs may run at one time, of all askers. */
  all: number;
  /** How many jobs of one asker may run at one time. */
  each: number;
  /** How many jobs of one asker may wait; the next is refused. */
  waiting: number;
  /** The first job of each asker is not counted among all, so that nobody waits for what others do. @default false */
  firstIsFree?: boolean;
};

const RETRY_AFTER_SECONDS = 2;

type Waiting = { begin: () => void };

/**
 * Runs jobs a few at a time, by turns among those who ask: one who asks for much waits for itself, and the others do
 * not wait for it.
 */
export class Turns<Who> {
  readonly #bounds: Bounds;
  readonly #running = new Map<Who, number>();
  readonly #waiting = new Map<Who, Waiting[]>();
  /** When each asker last began a job, counted in jobs. */
  readonly #begun = new Map<Who, number>();
  #jobs = 0;
  #counted = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /**
   * Runs `job` when the turn of `who` comes.
   * @param signal gives up waiting, not the job
   * @throws HttpError 503 when too many wait already, or `signal` was aborted before its turn came
   */
  async run<T>(who: Who, job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#mayBegin(who)) this.#begin(who);
    else await this.#wait(who, signal);
    try {
      return await job();
    } finally {
      this.#end(who);
    }
  }

  #mayBegin(who: Who): boolean {
    const own = this.#running.get(who) ?? 0;
    return own < this.#bounds.each && (this.#counted < this.#bounds.all || own < this.#free);
  }

  get #free(): number {
    return this.#bounds.firstIsFree ? 1 : 0;
  }

  #begin(who: Who): void {
    const own = this.#running.get(who) ?? 0;
    this.#running.set(who, own + 1);
    this.#begun.set(who, ++this.#jobs);
    if (own >= this.#free) this.#counted++;
  }

  #end(who: Who): void {
    const own = this.#running.get(who)!;
    if (own > this.#free) this.#counted--;
    if (own > 1) this.#running.set(who, own - 1);
    else this.#running.delete(who);
    this.#next();
    if (!this.#running.has(who) && !this.#waiting.has(who)) this.#begun.delete(who);
  }

  #wait(who: Who, signal: AbortSignal | undefined): Promise<void> {
    const line = this.#waiting.get(who) ?? [];
    if (line.length >= this.#bounds.waiting || signal?.aborted) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const me: Waiting = { begin: resolve };
      const giveUp = () => {
        const at = line.indexOf(me);
        if (at < 0) return;
        line.splice(at, 1);
        if (line.length === 0) this.#waiting.delete(who);
        reject(busy());
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#waiting.set(who, line);
      line.push(me);
    });
  }

  /** Begins what may begin now, first for whoever has not begun anything for the longest time. */
  #next(): void {
    for (;;) {
      const ready = [...this.#waiting.keys()].filter((who) => this.#mayBegin(who));
      const lastOf = (who: Who) => this.#begun.get(who) ?? 0;
      const who = ready.sort((a, b) => lastOf(a) - lastOf(b))[0];
      if (who === undefined) return;
      const line = this.#waiting.get(who)!;
      const first = line.shift()!;
      if (line.length === 0) this.#waiting.delete(who);
      this.#begin(who);
      first.begin();
    }
  }
}

const busy = () =>
  new HttpError(503, "busy", "this ship asks for more at one time than the helm does for one", RETRY_AFTER_SECONDS);
