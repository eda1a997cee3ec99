import { explain } from "../../lib/base/errors.ts";
import type { Unreached } from "../../lib/protocol/status.ts";
import type { HelmClock } from "../clock.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Log } from "../log.ts";
import type { Branch } from "../repository/branch.ts";
import { Leases } from "./leases.ts";
import { Liveness } from "./liveness.ts";
import { OffDuty } from "./off-duty.ts";

/** The times by which a voyage and its crews measure silence, in seconds. */
export type Timing = { leaseSeconds: number; heartbeatSeconds: number; fenceSeconds: number; lingerSeconds: number };
export const DEFAULT_TIMING: Timing = { leaseSeconds: 120, heartbeatSeconds: 10, fenceSeconds: 90, lingerSeconds: 8 };

/**
 * A crew sends a heartbeat also while it has nothing to do: after so many missed ones it is taken for asleep or gone.
 */
const MISSED_HEARTBEATS = 3;

const NO_PROGRESS_MINUTES = 20;

/** What a voyage needs from around it. */
export type VoyageParts = {
  id: string;
  ledger: Ledger;
  branch: Branch;
  clock: HelmClock;
  log: Log;
  /** Brings the files of these tasks up to date; resolves when they are. */
  show: (...tasks: string[]) => Promise<void>;
  /** How long an accept waits for its turn before its ship is told to ask again, in ms. @default 8000 */
  holdMs?: number;
};

/** What the parts of one voyage share. Each part is given this, and none is given the voyage. */
export class VoyageContext {
  readonly id: string;
  readonly ledger: Ledger;
  readonly branch: Branch;
  readonly clock: HelmClock;
  readonly log: Log;
  readonly liveness: Liveness;
  readonly leases: Leases;
  readonly offDuty: OffDuty;
  readonly holdMs: number;
  timing: Timing = DEFAULT_TIMING;
  /** The targets of notices that did not get their newest one (helm/notices/). */
  unreached: () => Unreached[] = () => [];
  /** The branch's commit, as it was last seen or moved. It holds every accepted task. */
  tip = "";
  /**
   * Why nothing can be accepted: the repository cannot be read, or its branch cannot be moved. Nothing is granted
   * meanwhile.
   */
  trouble: string | null = null;
  /** When that was first noted. */
  troubleSince: string | null = null;
  readonly #show: VoyageParts["show"];
  readonly #watchers = new Set<() => void>();

  constructor(parts: VoyageParts) {
    this.id = parts.id;
    this.ledger = parts.ledger;
    this.branch = parts.branch;
    this.clock = parts.clock;
    this.log = parts.log;
    this.holdMs = parts.holdMs ?? 8_000;
    this.#show = parts.show;
    this.offDuty = new OffDuty(parts.clock);
    this.liveness = new Liveness(parts.clock);
    this.leases = new Leases(parts.clock, this.timing.leaseSeconds * 1000);
  }

  setTiming(timing: Timing): void {
    this.timing = timing;
    this.leases.leaseMs = timing.leaseSeconds * 1000;
  }

  /** Seconds without progress after which a ship at work is named. */
  get noProgressSeconds(): number {
    return 60 * (Number(this.ledger.meta("noProgressMinutes")) || NO_PROGRESS_MINUTES);
  }

  /** Milliseconds without a word after which a crew is taken for asleep or gone. */
  get silenceMs(): number {
    return this.timing.heartbeatSeconds * 1000 * MISSED_HEARTBEATS;
  }

  /**
   * Tells the watchers that something has changed, and brings the files of these tasks up to date; resolves when they
   * are.
   */
  async changed(...tasks: string[]): Promise<void> {
    this.notify();
    await this.#show(...tasks);
  }

  /** Tells the watchers that something has changed. */
  notify(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Calls back after each change, until the returned function is called. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  /** Notes the error by which git could not do what an accept needs; null: git could do it. */
  noteTrouble(error: unknown): void {
    const trouble = error === null ? null : explain(error);
    if (trouble === this.trouble) return;
    if (trouble === null || this.trouble === null) this.troubleSince = trouble === null ? null : this.ledger.at();
    this.trouble = trouble;
    this.log(trouble === null ? "trouble-over" : "trouble", { voyage: this.id, ...(trouble !== null && { trouble }) });
    this.notify();
  }
}
