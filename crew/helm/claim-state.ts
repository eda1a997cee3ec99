/**
 * A claim as the wire names it. `epoch` is the number of the task's grants, so that a late word about an earlier one is
 * known.
 */
export type Claim = { task: string; epoch: number };

/**
 * What this ship works at: the claim that it holds, and a line for people. The claim's work changes it by named steps;
 * the heartbeat reads it, and tells the helm.
 */
export class ClaimState {
  #held: Claim | null = null;
  #note = "";
  #isEnding = false;
  #stirredMs: number | null = null;

  /** The claim that each heartbeat names; null while there is none. */
  get held(): Claim | null {
    return this.#held;
  }

  /** The line for people that each heartbeat carries: what the ship does now. */
  get note(): string {
    return this.#note;
  }

  /**
   * For how many whole seconds nothing has come of the work: no output, no answer of the model, no commit; undefined
   * while there is no work.
   */
  get quietSeconds(): number | undefined {
    return this.#stirredMs === null ? undefined : Math.floor((performance.now() - this.#stirredMs) / 1000);
  }

  /** Something has come of the work, or it begins. */
  stir(): void {
    this.#stirredMs = performance.now();
  }

  /** A task was granted, and its work begins. */
  begin(claim: Claim, note: string): void {
    this.#held = claim;
    this.#note = note;
    this.#isEnding = false;
    this.stir();
  }

  /** The ship does something else now; "" when it does nothing. */
  show(note: string): void {
    this.#note = note;
    if (note === "") this.#stirredMs = null;
  }

  /**
   * Asks the helm to end the claim (accept, release, ask). From here the answer to that call decides: a heartbeat that
   * crosses it on the way is told that the claim is not ours, although all is well.
   */
  async end<T>(ask: () => Promise<T>): Promise<T> {
    this.#isEnding = true;
    try {
      return await ask();
    } finally {
      this.#isEnding = false;
    }
  }

  /** The claim has ended: no heartbeat may name it any more, since the helm would refuse it. */
  drop(): void {
    this.#held = null;
  }

  /**
   * Tells whether the helm's refusal of a heartbeat that named `claim` is news: the claim is still held, and its end
   * was not asked for.
   */
  isNews(claim: Claim | null): boolean {
    return !this.#isEnding && this.#held === claim;
  }
}
