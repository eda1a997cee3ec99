import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Grant } from "../../../../lib/protocol/ship-claims.ts";
import type { Usage } from "../../../../lib/protocol/ship-reports.ts";
import { type ClaimContext, forALease } from "../../../claim/context.ts";
import { type Meter, type Metered, meterFor } from "./meter.ts";

/** How long it is tried to tell the spend of a run that goes on; the next report comes soon. */
const GROWTH_MS = 5000;
/** How long it is tried to tell the spend of a run that was ended by an order: whoever gave it waits. */
const FAREWELL_MS = 2000;

const NOTHING_METERED: Metered = {
  costUsd: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheCreationTokens: 0,
  turns: 0,
};
export const NOTHING_USED: Usage = { ...NOTHING_METERED, seconds: 0 };

/** Says that a budget is spent, so that the session gets no further answer. */
export class BudgetSpent extends Error {}

/** Tells the helm what the runs of one claim use, while they go on and at their end, and hears from it how to go on. */
export class Spending {
  readonly #context: ClaimContext;
  readonly #claim: { task: string; epoch: number };
  readonly #budgetUsd: number | undefined;
  readonly #meter: Meter;
  readonly #isMeterOurs: boolean;
  #run = { id: "", session: "", earlierUsd: 0, startedAt: 0, metered: NOTHING_METERED, over: new AbortController() };
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
    this.#run.metered = { ...meter.used };
  }

  /** @param meter the meter of a session that goes on from claim to claim. @default a meter of its own */
  static async open(context: ClaimContext, grant: Grant, meter?: Meter): Promise<Spending> {
    return new Spending(context, grant, meter ?? (await meterFor(context)), !meter);
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
   * A run begins.
   *
   * @param transcript the transcript of a session that is resumed, or null: what the session had cost before is not
   * this run's
   */
  begin(session: string, transcript: string | null): void {
    this.#run = {
      id: randomUUID(),
      session,
      earlierUsd: transcript === null ? 0 : costOf(transcript),
      startedAt: performance.now(),
      metered: { ...this.#meter.used },
      over: new AbortController(),
    };
  }

  /**
   * The run has ended by itself. Tells the helm its result `told`; where the meter has heard of more (what the agent
   * started beside, a result that is missing), that counts. Returns what was told.
   */
  async end(told: Usage, signal: AbortSignal): Promise<Usage> {
    const own = { ...told, costUsd: Math.max(0, told.costUsd - this.#run.earlierUsd) };
    const usage = most(own, this.#soFar());
    this.#spentUsd += usage.costUsd;
    this.#run.metered = { ...this.#meter.used };
    await this.#settle();
    await this.#tell(usage, forALease(this.#context, signal));
    return usage;
  }

  /**
   * The run was ended by an order. Its last answers are known to the meter: Claude Code sends its telemetry when it
   * gets SIGTERM.
   */
  async abandon(): Promise<Usage> {
    await this.#settle();
    const usage = this.#soFar();
    if (usage.turns === 0) return usage;
    await this.#tell(usage, { totalMs: FAREWELL_MS, signal: AbortSignal.timeout(FAREWELL_MS) }).catch(() => {});
    return usage;
  }

  #soFar(): Usage {
    const { metered, startedAt } = this.#run;
    const since = Object.entries(this.#meter.used).map(([key, value]) => [key, value - metered[key as keyof Metered]]);
    return { ...(Object.fromEntries(since) as Metered), seconds: (performance.now() - startedAt) / 1000 };
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

  async #tell(usage: Usage, options: { totalMs: number; signal: AbortSignal }, growing = false): Promise<void> {
    const { id, session } = this.#run;
    const body = { ...this.#claim, session, run: id, usage, ...(growing && { growing }) };
    this.#context.steering.hear(await this.#context.helm.call("usage", body, options));
  }
}

const most = (a: Usage, b: Usage): Usage =>
  Object.fromEntries(Object.keys(a).map((key) => [key, Math.max(a[key as keyof Usage], b[key as keyof Usage])])) as Usage;

/** Reads from its transcript what a session has cost; when it is resumed, Claude Code counts on from there. */
function costOf(transcript: string): number {
  const lines = readFileSync(transcript, "utf8").split("\n");
  const last = lines.findLast((line) => line.includes('"cost-state"') && parse(line)?.type === "cost-state");
  return last === undefined ? 0 : (parse(last)?.totalCostUSD ?? 0);
}

function parse(line: string): { type?: string; totalCostUSD?: number } | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
