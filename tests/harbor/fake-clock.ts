import type { HarborClock } from "../../harbor/sprites/clock.ts";

/** A clock that stands still until a test moves it. */
export class FakeClock implements HarborClock {
  private timeMs = Date.parse("2026-01-01T00:00:00Z");
  private timers: { atMs: number; run(): void }[] = [];

  now = () => this.timeMs;

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.timeMs + ms, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, and runs on the way what falls due, in order. */
  advance(ms: number): void {
    const endMs = this.timeMs + ms;
    for (;;) {
      const due = this.timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.timeMs = Math.max(this.timeMs, due.atMs);
      due.run();
    }
    this.timeMs = endMs;
  }
}
