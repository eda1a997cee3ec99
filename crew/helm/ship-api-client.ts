import { randomUUID } from "node:crypto";
import type { Refusal, ShipApi, ShipCall } from "../../lib/protocol/ship-api.ts";
import { askWhole } from "../machine/http.ts";
import { backOffMs, pause } from "../machine/pause.ts";
import { readToken, type ThisShip } from "../machine/ship.ts";
import { Halt, HelmAway, HelmRefusal } from "./halt.ts";

/** The longest that one attempt of a call may take. */
const ATTEMPT_MS = 15_000;
/** A token that is refused for so long is dead: `up` mints a new one and puts it on the ship within seconds. */
const UNAUTHORIZED_MS = 20_000;
/** What a 503 says while a task that changes the same files is to be accepted first. */
const TURN = "turn";

/** A call's body without what this client adds to each: the request id and the ship's incarnation. */
export type CallBody<Name extends ShipCall> = Omit<ShipApi[Name]["body"], "requestId" | "incarnation">;

/** What became of one attempt. `away` and `unauthorized` may pass. */
type Attempt<Name extends ShipCall> =
  | { kind: "ok"; reply: ShipApi[Name]["reply"] }
  | { kind: "away" | "unauthorized"; why: string };

/**
 * Makes the calls of a ship at the helm (lib/protocol/ship-api.ts), with their bodies and replies as the protocol types
 * them.
 */
export class ShipApiClient {
  readonly #ship: ThisShip;
  constructor(ship: ThisShip) {
    this.#ship = ship;
  }

  /**
   * Makes one call and repeats it over what passes (no answer, 5xx, 429) for at most `totalMs`, always with the same
   * request id: the helm gives an answer that got lost once more, and does nothing twice.
   *
   * @throws HelmRefusal on 409, Halt "fenced" on a lasting 401, HelmAway when the time is up, the signal's reason when
   * that aborts
   */
  async call<Name extends ShipCall>(
    name: Name,
    body: CallBody<Name>,
    options: { totalMs: number; signal: AbortSignal },
  ): Promise<ShipApi[Name]["reply"]> {
    const requestId = randomUUID();
    const deadline = performance.now() + options.totalMs;
    const unauthorized = performance.now() + UNAUTHORIZED_MS;
    for (let attempt = 0; ; attempt++) {
      const timeoutMs = Math.min(ATTEMPT_MS, Math.max(deadline - performance.now(), 1));
      const answer = await this.once(name, body, { timeoutMs, signal: options.signal, requestId });
      if (answer.kind === "ok") return answer.reply;
      if (answer.kind === "unauthorized" && performance.now() > unauthorized)
        throw new Halt("fenced", "the helm does not know this ship's token any more");
      // The helm is there and lets another task go first, so it is asked again soon.
      if (answer.why === TURN) attempt = 0;
      const waitMs = backOffMs(attempt);
      if (performance.now() + waitMs > deadline)
        throw new HelmAway(
          `the helm did not answer "${name}" within ${Math.round(options.totalMs / 1000)} s (last: ${answer.why})`,
        );
      await pause(waitMs, options.signal);
    }
  }

  /**
   * Makes one attempt of a call. Throws {@link HelmRefusal} on 409, Error on another 4xx, the signal's reason when that
   * aborts.
   */
  async once<Name extends ShipCall>(
    name: Name,
    body: CallBody<Name>,
    options: { timeoutMs: number; signal: AbortSignal; requestId?: string },
  ): Promise<Attempt<Name>> {
    const { helmUrl, incarnation } = this.#ship.config;
    const { requestId = randomUUID() } = options;
    let status: number;
    let answer: unknown;
    try {
      const response = await askWhole({
        method: "POST",
        url: `${helmUrl}/v1/ship/${name}`,
        headers: { authorization: `Bearer ${readToken(this.#ship)}`, "content-type": "application/json" },
        body: JSON.stringify({ requestId, incarnation, ...body }),
        signal: AbortSignal.any([options.signal, AbortSignal.timeout(Math.ceil(options.timeoutMs))]),
      });
      status = response.status;
      answer = JSON.parse(response.body.toString("utf8"));
    } catch (error) {
      options.signal.throwIfAborted();
      return { kind: "away", why: error instanceof Error ? error.message : String(error) };
    }
    if (status >= 200 && status < 300) return { kind: "ok", reply: answer as ShipApi[Name]["reply"] };
    if (status === 401) return { kind: "unauthorized", why: "401" };
    if (status === 409) throw new HelmRefusal(answer as Refusal);
    if (status === 503 && (answer as { error?: string }).error === TURN) return { kind: "away", why: TURN };
    if (status >= 500 || status === 429) return { kind: "away", why: String(status) };
    const said = JSON.stringify(answer).slice(0, 300);
    throw new Error(`the helm answered "${name}" with status ${status}: ${said}`);
  }
}
