import { OcaptainError } from "../../lib/base/errors.ts";
import { spriteName } from "../../lib/base/naming.ts";
import { said } from "../../lib/base/text.ts";
import { launchCrew } from "../../lib/ship/crew-launch.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { noteEvent } from "../ledger/events.ts";
import { grantableCount } from "../ledger/limits.ts";
import { currentLife } from "../ledger/lives.ts";
import { isVerificationGrantable } from "../ledger/pause.ts";
import { probeOf, waitingProbes } from "../ledger/probes.ts";
import type { VoyageContext } from "./context.ts";
import type { Crews } from "./crews.ts";
import { shipRows } from "./status.ts";

const FIRST_BACK_OFF_MS = 2_000;
const LONGEST_BACK_OFF_MS = 60_000;
const EXEC_MS = 60_000;

type Attempt = { count: number; notBeforeMs: number; busy: boolean };

/**
 * Wakes ships for which work is left (docs/design.md#awake): an exec of the provider wakes the VM and starts the crew
 * unless it runs. Woken are
 * - ships that fell silent with a claim (a VM that slept because it could not reach the helm): they go on with it; and
 * - ships that had nothing to do and ended, as many as there are free tasks, and probes (helm/ledger/probes.ts), that
 *   no idle ship will take; those first that a probe waits for rather than for others.
 *
 * Not woken are ships that never reported (`up` launches them), whose hand cannot work, that were told to stop, that
 * are off duty, or that are fenced. A ship has one attempt at a time, with a back-off that starts over when it is
 * connected. A ship that the provider does not have any more is fenced; `up` makes it anew.
 */
export class Waker {
  readonly #context: VoyageContext;
  readonly #crews: Crews;
  readonly #open: () => Promise<SpritesClient>;
  readonly #attempts = new Map<string, Attempt>();
  readonly #isTaken: (labels: readonly string[] | undefined) => Promise<boolean>;
  #closed = false;

  /**
   * @param open opens the provider's API
   * @param isTaken tells by a VM's labels whether another captain has the voyage now, who then wakes its ships
   */
  constructor(
    context: VoyageContext,
    crews: Crews,
    open: () => Promise<SpritesClient>,
    isTaken: (labels: readonly string[] | undefined) => Promise<boolean> = async () => false,
  ) {
    this.#isTaken = isTaken;
    this.#context = context;
    this.#crews = crews;
    this.#open = open;
  }

  /**
   * Looks once, and begins to wake what is due. It waits for no ship: one that is slow to wake does not keep the others
   * asleep.
   */
  look(): void {
    if (this.#closed) return;
    for (const ship of this.#due()) void this.#wake(ship);
  }

  close(): void {
    this.#closed = true;
  }

  #due(): string[] {
    const { ledger, liveness, silenceMs, tip, clock, offDuty } = this.#context;
    const rows = shipRows(this.#context);
    const now = clock.now();
    const may = (ship: string) => {
      const attempt = this.#attempts.get(ship);
      return !attempt || (!attempt.busy && now >= attempt.notBeforeMs);
    };
    for (const row of rows) if (row.connected) this.#attempts.delete(row.ship);

    const silent = rows.filter((row) => {
      const life = ledger.ship(row.ship)!.life;
      const holding = row.task !== null || ledger.openVerification()?.life === life || probeOf(ledger, life) !== undefined;
      const quiet = liveness.silentMs(life) > silenceMs;
      return holding && quiet && (row.state === "working" || row.state === "lost");
    });
    const free = grantableCount(ledger) + (isVerificationGrantable(ledger, tip) ? 1 : 0);
    const coming = rows.filter(
      (row) =>
        !row.unfit &&
        !offDuty.has(row.ship) &&
        (row.state === "idle" || (row.state === "ended" && this.#attempts.get(row.ship)?.busy)),
    );
    const probes = waitingProbes(ledger);
    const comesLast = new Set(probes.flatMap((probe) => probe.later));
    // A ship that comes last at a probe is not counted on for it: another one is called first.
    const counted = free > 0 || probes.length === 0 ? coming : coming.filter((row) => !comesLast.has(row.ship));
    const ended = rows.filter(
      (row) =>
        row.state === "ended" &&
        !row.unfit &&
        !row.limited &&
        !ledger.ship(row.ship)!.stopping &&
        !offDuty.has(row.ship) &&
        may(row.ship),
    );
    const first = ended.toSorted((a, b) => Number(comesLast.has(a.ship)) - Number(comesLast.has(b.ship)));
    const called = first.slice(0, Math.max(0, free + probes.length - counted.length));
    return [...silent.map((row) => row.ship).filter(may), ...called.map((row) => row.ship)];
  }

  async #wake(ship: string): Promise<void> {
    const { ledger, liveness, log, clock, id } = this.#context;
    const attempt = this.#attempts.get(ship) ?? { count: 0, notBeforeMs: 0, busy: false };
    this.#attempts.set(ship, attempt);
    attempt.busy = true;
    attempt.count++;
    log("wake", { voyage: id, ship, attempt: attempt.count });
    try {
      const life = currentLife(ledger, ship)!;
      liveness.called(life.life);
      const sprites = await this.#open();
      const name = spriteName(ledger.meta("stack")!, id, ship);
      const sprite = await sprites.get(name);
      if (await this.#isTaken(sprite?.labels)) return;
      if (sprite?.id !== life.incarnation) {
        log("ship-gone", { voyage: id, ship, now: sprite?.id ?? null });
        await this.#crews.fence(ship, life.incarnation, "the provider does not have it any more");
        return;
      }
      const result = await sprites.exec(name, launchCrew, { timeoutMs: EXEC_MS });
      if (result.exitCode !== 0)
        throw new OcaptainError("WAKE", `the crew of ${name} could not be started: ${said(result.stderr)}`);
      await ledger.write(() => noteEvent(ledger, "ship-woken", { ship, data: { attempt: attempt.count } }));
    } catch (error) {
      log("wake-failed", { voyage: id, ship, attempt: attempt.count, error: String(error) });
    } finally {
      attempt.busy = false;
      attempt.notBeforeMs = clock.now() + Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (attempt.count - 1));
    }
  }
}
