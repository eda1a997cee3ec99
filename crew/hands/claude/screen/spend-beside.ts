import { randomUUID } from "node:crypto";
import type { Usage } from "../../../../lib/protocol/ship-reports.ts";
import type { ClaimContext } from "../../../claim/context.ts";
import type { Meter } from "../account/meter.ts";
import { NOTHING_USED } from "../account/spending.ts";

/** How long it is tried to tell the helm what is used between claims. */
const TELL_MS = 3000;

/**
 * What an interactive session uses beside its claims: all that its meter counts, without what its claims have told of
 * themselves. The helm is told of it as a run of no task.
 */
export class SpendBeside {
  readonly #context: ClaimContext;
  readonly #meter: Meter;
  readonly #ofClaims: Usage[] = [];
  readonly #run = { session: randomUUID(), run: randomUUID() };

  constructor(context: ClaimContext, meter: Meter) {
    this.#context = context;
    this.#meter = meter;
    this.watch();
  }

  /** Tells the helm whenever the meter grows, from now until a claim listens to the meter. */
  watch(): void {
    this.#meter.onGrowth = () => void this.tell(true);
  }

  /** Takes out what a claim has used and told. */
  without(usage: Usage): void {
    this.#ofClaims.push(usage);
  }

  /**
   * Tells the helm what is used so far, and hears how to go on. Only while no claim is held. Never throws.
   *
   * @param growing whether the session goes on
   */
  async tell(growing = false): Promise<void> {
    const { helm, steering } = this.#context;
    const usage = this.#used;
    if (usage.turns === 0) return;
    const body = { ...this.#run, usage, ...(growing && { growing }) };
    const options = { totalMs: TELL_MS, signal: AbortSignal.timeout(TELL_MS) };
    await helm.call("usage", body, options).then(
      (reply) => steering.hear(reply),
      () => {},
    );
  }

  get #used(): Usage {
    const left = Object.entries(this.#meter.used).map(([key, value]) => [
      key,
      Math.max(0, value - this.#ofClaims.reduce((sum, usage) => sum + usage[key as keyof Usage], 0)),
    ]);
    return { ...NOTHING_USED, ...Object.fromEntries(left) };
  }
}
