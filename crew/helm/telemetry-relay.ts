import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { askWhole } from "../machine/http.ts";
import { backOffMs } from "../machine/pause.ts";
import { readToken, type ThisShip } from "../machine/ship.ts";
import type { Claim } from "./claim-state.ts";

/** An export of telemetry as it came: where to, of what type, and for which claim. */
type Export = { path: string; type: string; body: Buffer; claim: Claim | null };

/** What waits for the helm at most; past it the oldest goes. */
const MOST_EXPORTS = 500;
const MOST_BYTES = 16 * 1024 * 1024;
/** The longest that one attempt may take, and how long an export is tried. */
const ATTEMPT_MS = 15_000;
const TRIED_MS = 15 * 60_000;
const MOST_WAIT_SECONDS = 60;

const compressed = promisify(gzip);

/**
 * Hands telemetry on to the helm with the ship's token, one export after the other, and never in the way of the work:
 * who brings one does not wait, and while the helm is away they wait here, as many as may.
 */
export class TelemetryRelay {
  readonly #ship: () => ThisShip;
  #waiting: (Export & { until: number })[] = [];
  #bytes = 0;
  #sending: Promise<void> | null = null;
  #lost = 0;

  /** @param ship reads where the helm is, and the ship's token: both may change */
  constructor(ship: () => ThisShip) {
    this.#ship = ship;
  }

  take(one: Export): void {
    this.#waiting.push({ ...one, until: performance.now() + TRIED_MS });
    this.#bytes += one.body.length;
    while (this.#waiting.length > MOST_EXPORTS || this.#bytes > MOST_BYTES) this.#drop();
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null;
    });
  }

  /** Waits for what is on its way, at most `ms`; returns how many exports were lost in all. */
  async settle(ms: number): Promise<number> {
    await Promise.race([this.#sending, sleep(ms, undefined, { ref: false })]);
    return this.#lost + this.#waiting.length;
  }

  async #send(): Promise<void> {
    for (let attempt = 0; this.#waiting.length > 0; ) {
      const [next] = this.#waiting;
      const waitMs = await this.#post(next!).catch(() => backOffMs(attempt));
      // It may have been dropped meanwhile, as too much waits.
      if (this.#waiting[0] !== next) continue;
      if (waitMs === 0) {
        attempt = 0;
        this.#bytes -= this.#waiting.shift()!.body.length;
      } else if (performance.now() > next!.until) {
        this.#drop();
      } else {
        attempt += 1;
        await sleep(waitMs, undefined, { ref: false });
      }
    }
  }

  #drop(): void {
    this.#bytes -= this.#waiting.shift()!.body.length;
    this.#lost += 1;
  }

  /** Returns 0 when the helm has taken the export, or never will, and else how long to wait. */
  async #post({ path, type, body, claim }: Export): Promise<number> {
    const ship = this.#ship();
    const { status, headers } = await askWhole({
      method: "POST",
      url: `${ship.config.helmUrl}/otlp${path}`,
      headers: {
        authorization: `Bearer ${readToken(ship)}`,
        "content-type": type,
        "content-encoding": "gzip",
        ...(claim && { "x-ocaptain-claim": `${claim.epoch} ${encodeURIComponent(claim.task)}` }),
      },
      body: await compressed(body),
      signal: AbortSignal.timeout(ATTEMPT_MS),
    });
    if (status >= 200 && status < 300) return 0;
    // A token may be exchanged by `up` at any moment.
    if (status === 401 || status === 429 || status >= 500) {
      const seconds = Number(headers["retry-after"]) || 2;
      return Math.min(seconds, MOST_WAIT_SECONDS) * 1000;
    }
    this.#lost += 1;
    return 0;
  }
}
