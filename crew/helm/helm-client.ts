import { randomUUID } from "node:crypto";
import type { Refusal } from "../../lib/protocol/ship-api.ts";
import { backOffMs, pause } from "../machine/pause.ts";
import { readToken, type ThisShip } from "../machine/ship.ts";
import { HelmAway } from "../tree/git-retry.ts";
import { Halt, Refused } from "./halt.ts";

/** One attempt's time. */
const ATTEMPT_MS = 15_000;
/** A token refused for so long is dead: `up` mints a new one and puts it on the ship within seconds. */
const UNAUTHORIZED_MS = 20_000;

/** What a 503 says while a task that changes the same files is to be accepted first (helm/voyage/races.ts). */
const TURN = "turn";

/** The calls of lib/protocol/ship-api.ts. */
export class HelmClient {
  readonly #ship: ThisShip;
  constructor(ship: ThisShip) {
    this.#ship = ship;
  }

  /**
   * One call, kept up over what passes (no answer, 5xx, 429) for at most `totalMs`, always with the same request id, so that an answer
   * which got lost is given again and nothing is done twice (design 8).
   * Throws {@link Refused} on 409, Halt "fenced" on a lasting 401, the signal's reason when it aborts, HelmAway when the time is up.
   */
  async call<T>(name: string, body: object, options: { totalMs: number; signal: AbortSignal }): Promise<T> {
    const request = { requestId: randomUUID(), incarnation: this.#ship.config.incarnation, ...body };
    const deadline = performance.now() + options.totalMs;
    const unauthorized = performance.now() + UNAUTHORIZED_MS;
    for (let attempt = 0; ; attempt++) {
      const left = deadline - performance.now();
      const answer = await this.once<T>(name, request, {
        timeoutMs: Math.min(ATTEMPT_MS, Math.max(left, 1)),
        signal: options.signal,
      });
      if (answer.kind === "ok") return answer.body;
      if (answer.kind === "unauthorized" && performance.now() > unauthorized)
        throw new Halt("fenced", "the helm does not know our token");
      // It is there, and another task goes first.
      if (answer.why === TURN) attempt = 0;
      const waitMs = backOffMs(attempt);
      if (performance.now() + waitMs > deadline)
        throw new HelmAway(`helm: no answer to ${name} in ${Math.round(options.totalMs / 1000)} s (${answer.why})`);
      await pause(waitMs, options.signal);
    }
  }

  /** One attempt. Throws {@link Refused} on 409, Error on another 4xx, the signal's reason; all that may pass is an answer. */
  async once<T>(
    name: string,
    request: object,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<{ kind: "ok"; body: T } | { kind: "away" | "unauthorized"; why: string }> {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(Math.ceil(options.timeoutMs))]);
    const authorization = `Bearer ${readToken(this.#ship)}`;
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(`${this.#ship.config.helmUrl}/v1/ship/${name}`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify(request),
        signal,
      });
      body = await response.json();
    } catch (error) {
      options.signal.throwIfAborted();
      return { kind: "away", why: causeOf(error) };
    }
    if (response.ok) return { kind: "ok", body: body as T };
    if (response.status === 401) return { kind: "unauthorized", why: "401" };
    if (response.status === 409) throw new Refused(body as Refusal);
    if (response.status === 503 && (body as { error?: string }).error === TURN) return { kind: "away", why: TURN };
    if (response.status >= 500 || response.status === 429) return { kind: "away", why: String(response.status) };
    throw new Error(`helm: ${name} answered ${response.status}: ${JSON.stringify(body).slice(0, 300)}`);
  }
}

/** fetch hides the reason ("fetch failed") in its cause. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
