/** The source of the harbor's times, so that tests can move it by 30 idle seconds without waiting for them. */
export type HarborClock = {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `ms`; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
};

export const realClock: HarborClock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` on this clock, at once for 0. */
export const pause = (clock: HarborClock, ms: number): Promise<void> =>
  ms > 0 ? new Promise((resolve) => clock.after(ms, resolve)) : Promise.resolve();
