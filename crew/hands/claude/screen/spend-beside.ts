import { randomUUID } from "node:crypto";
import type { ClaimContext } from "../../../claim/context.ts";
import type { Meter } from "../account/meter.ts";
import { asTold, less, type Used } from "../account/usage.ts";

/** How long it is tried to tell the helm what is used between claims. */
const TELL_MS = 3000;

/**
 * What an interactive session uses beside its claims: all that its meter counts, without what its claims have told of
 * themselves. The helm is told of it as a run of no task.
 */
export class SpendBeside {
  readonly #context: ClaimContext;
  readonly #meter: Meter;
  readonly #ofClaims: Used[] = [];
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
  without(usage: Used): void {
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
    const body = { ...this.#run, usage: asTold(usage), ...(growing && { growing }) };
    const options = { totalMs: TELL_MS, signal: AbortSignal.timeout(TELL_MS) };
    await helm.call("usage", body, options).then(
      (reply) => steering.hear(reply),
      () => {},
    );
  }

  get #used(): Used {
    return this.#ofClaims.reduce(less, this.#meter.used);
  }
}
