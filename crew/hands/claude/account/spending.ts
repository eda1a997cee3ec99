import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Grant } from "../../../../lib/protocol/ship-claims.ts";
import { type ClaimContext, forALease } from "../../../claim/context.ts";
import type { RanUsage } from "../session.ts";
import { type Meter, meterFor } from "./meter.ts";
import {
  amount,
  asTold,
  less,
  type ModelResult,
  most,
  NOTHING_USED,
  ofRun,
  type Prices,
  type SessionCost,
  type Used,
} from "./usage.ts";

/** How long it is tried to tell the spend of a run that goes on; the next report comes soon. */
const GROWTH_MS = 5000;
/** How long it is tried to tell the spend of a run that was ended by an order: whoever gave it waits. */
const FAREWELL_MS = 2000;

/** What a session has cost that is new. */
export const NO_COST: SessionCost = { costUsd: 0, models: {} };

/** Says that a budget is spent, so that the session gets no further answer. */
export class BudgetSpent extends Error {}

/** Tells the helm what the runs of one claim use, while they go on and at their end, and hears from it how to go on. */
export class Spending {
  readonly #context: ClaimContext;
  readonly #claim: { task: string; epoch: number };
  readonly #budgetUsd: number | undefined;
  readonly #prices: Prices;
  readonly #meter: Meter;
  readonly #isMeterOurs: boolean;
  #run = { id: "", session: "", earlier: NO_COST, startedAt: 0, metered: NOTHING_USED, over: new AbortController() };
  /** What this claim has cost before the run that goes on. */
  #spentUsd = 0;
  #telling: Promise<void> | null = null;
  #grown = false;

  private constructor(context: ClaimContext, grant: Grant, meter: Meter, isMeterOurs: boolean) {
    this.#meter = meter;
    this.#isMeterOurs = isMeterOurs;
    meter.onGrowth = () => this.#grow();
    this.#context = context;
    this.#claim = { task: grant.task.id, epoch: grant.epoch };
    meter.claim = this.#claim;
    this.#budgetUsd = grant.hand?.budgetUsd;
    this.#prices = grant.hand?.prices;
    this.#run.metered = meter.used;
  }

  /** @param meter the meter of a session that goes on from claim to claim. @default a meter of its own */
  static async open(context: ClaimContext, grant: Grant, meter?: Meter): Promise<Spending> {
    return new Spending(context, grant, meter ?? (await meterFor(context, grant.hand?.prices)), !meter);
  }

  async close(): Promise<void> {
    this.#meter.onGrowth = () => {};
    this.#meter.claim = null;
    if (this.#isMeterOurs) await this.#meter.close();
  }

  /** What Claude Code needs in its environment so that its spend is counted. */
  get environment(): Record<string, string> {
    return this.#meter.environment;
  }

  /**
   * Returns the USD that this claim may still spend, in whole micro-dollars, as far as the meter has heard; undefined
   * when there is no bound.
   */
  left(): number | undefined {
    if (this.#budgetUsd === undefined) return undefined;
    const left = this.#budgetUsd - this.#spentUsd - this.#soFar().costUsd;
    return Math.max(0, Math.round(left * 1e6) / 1e6);
  }

  /**
   * Why this claim is to end, where it goes by prices that Claude Code does not know, and so does not end by itself;
   * null while something is left.
   */
  get spent(): string | null {
    return this.#prices && this.left() === 0 ? `stopped at $${this.#budgetUsd}, what was left to spend` : null;
  }

  /**
   * A run begins.
   *
   * @param transcript the transcript of a session that is resumed, or null: what the session had cost before is not
   * this run's
   */
  begin(session: string, transcript: string | null): void {
    this.#run = {
      id: randomUUID(),
      session,
      earlier: transcript === null ? NO_COST : costOf(transcript),
      startedAt: performance.now(),
      metered: this.#meter.used,
      over: new AbortController(),
    };
  }

  /**
   * The run has ended by itself. Tells the helm its result `told`; where the meter has heard of more (what the agent
   * started beside, a result that is missing), that counts. Returns what was told.
   *
   * @param told null for a claim of a session that goes on, of which the meter alone knows
   */
  async end(told: RanUsage | null, signal: AbortSignal): Promise<Used> {
    const own = told ? ofRun(told.counts, told.session, this.#run.earlier, this.#prices) : NOTHING_USED;
    const usage = most(own, this.#soFar());
    this.#spentUsd += usage.costUsd;
    this.#run.metered = this.#meter.used;
    await this.#settle();
    await this.#tell(usage, forALease(this.#context, signal));
    return usage;
  }

  /**
   * The run was ended by an order. Its last answers are known to the meter: Claude Code sends its telemetry when it
   * gets SIGTERM.
   */
  async abandon(): Promise<Used> {
    await this.#settle();
    const usage = this.#soFar();
    if (usage.turns === 0) return usage;
    await this.#tell(usage, { totalMs: FAREWELL_MS, signal: AbortSignal.timeout(FAREWELL_MS) }).catch(() => {});
    return usage;
  }

  #soFar(): Used {
    const { metered, startedAt } = this.#run;
    return { ...less(this.#meter.used, metered), seconds: (performance.now() - startedAt) / 1000 };
  }

  /** Tells the helm of growth, by one call at a time; what came meanwhile is in the next. */
  #grow(): void {
    this.#grown = true;
    this.#telling ??= this.#tellGrowth(this.#run.over.signal).finally(() => {
      this.#telling = null;
    });
  }

  async #tellGrowth(over: AbortSignal): Promise<void> {
    while (this.#grown && !over.aborted) {
      this.#grown = false;
      const options = { totalMs: GROWTH_MS, signal: AbortSignal.any([over, AbortSignal.timeout(GROWTH_MS)]) };
      await this.#tell(this.#soFar(), options, true).catch(() => {});
    }
  }

  async #settle(): Promise<void> {
    this.#run.over.abort();
    await this.#telling;
  }

  async #tell(used: Used, options: { totalMs: number; signal: AbortSignal }, growing = false): Promise<void> {
    const { id, session } = this.#run;
    const body = { ...this.#claim, session, run: id, usage: asTold(used), ...(growing && { growing }) };
    this.#context.steering.hear(await this.#context.helm.call("usage", body, options));
  }
}

/** Reads from its transcript what a session has cost; when it is resumed, Claude Code counts on from there. */
function costOf(transcript: string): SessionCost {
  const lines = readFileSync(transcript, "utf8").split("\n");
  const last = lines.findLast((line) => line.includes('"cost-state"') && parse(line)?.type === "cost-state");
  const told = last === undefined ? null : parse(last);
  return { costUsd: amount(told?.totalCostUSD), models: told?.modelUsage ?? {} };
}

function parse(line: string): { type?: string; totalCostUSD?: number; modelUsage?: Record<string, ModelResult> } | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
