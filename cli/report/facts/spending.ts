import { type Basis, basisOf, COUNTS, type Usage } from "../../../lib/protocol/ship-reports.ts";
import type { Claim, ClaimEnd, ModelFacts, SpendFacts } from "./facts.ts";
import type { Run, Tables } from "./tables.ts";

// What the runs of hands have used: by task, by ship, and by what became of them.

/** A run as it is counted: what it used, of whom, and how the claim ended in which it ran. */
type Counted = { task: string | null; ship: string | null; usage: Usage; end: ClaimEnd };

export type Spending = {
  spend: SpendFacts;
  byTask: Map<string, Usage>;
  byShip: Map<string, Usage>;
  /** What was thrown away of a task, in US dollars. */
  thrownAwayOf: (task: string) => number;
};

/** How the claims that ended so are said where money was thrown away. */
const WHY: Partial<Record<ClaimEnd, string>> = {
  failed: "the try failed",
  "given back": "given back by its ship",
  "taken back": "taken from its ship",
  lost: "lost with its ship",
  "not known": "how it ended is not known",
};

/** Sums up the runs of a ledger. */
export function spendingOf(tables: Tables, claims: readonly Claim[]): Spending {
  const counted = countRuns(tables, claims);
  const dollars = (runs: readonly Counted[]) => micros(runs.reduce((all, { usage }) => all + usage.costUsd, 0));
  const ended = (...ends: ClaimEnd[]) => counted.filter(({ task, end }) => task !== null && ends.includes(end));
  const thrown = counted.filter(({ task, end }) => task !== null && end in WHY);
  const budget = Number(tables.meta.budgetUsd || Number.NaN);
  return {
    spend: {
      total: sumOf(counted),
      budgetUsd: tables.meta.hand === "claude" && budget > 0 ? budget : null,
      byModel: modelsOf(tables),
      withoutTask: sumOf(counted.filter(({ task }) => task === null)),
      deliveredUsd: dollars(ended("accepted")),
      openUsd: dollars(ended("open")),
      askedUsd: dollars(ended("asked")),
      thrownAway: {
        usd: dollars(thrown),
        by: Object.entries(WHY)
          .map(([end, why]) => ({ why, runs: thrown.filter((run) => run.end === end) }))
          .filter(({ runs }) => runs.length > 0)
          .map(({ why, runs }) => ({ why, usd: dollars(runs), runs: runs.length })),
      },
    },
    byTask: sums(counted, ({ task }) => task),
    byShip: sums(counted, ({ ship }) => ship),
    thrownAwayOf: (task) => dollars(thrown.filter((run) => run.task === task)),
  };
}

/** Finds for each run the claim in which it ran, by its session, and how that ended. */
function countRuns({ runs, sessions, lives, tasks, runModels }: Tables, claims: readonly Claim[]): Counted[] {
  const shipOf = new Map(lives.map(({ life, ship }) => [life, ship]));
  const epochOf = new Map(sessions.map(({ session, task, epoch }) => [`${session} ${task}`, epoch]));
  const endOf = new Map(claims.filter(({ kind }) => kind === "task").map(({ task, epoch, end }) => [`${task} ${epoch}`, end]));
  const taskOf = new Map(tasks.map((task) => [task.id, task]));
  const costs = costsOf(runs);
  const models = Map.groupBy(runModels, ({ run }) => run);
  return runs.map((run, index) => {
    const { task } = run;
    const epoch = task === null ? undefined : epochOf.get(`${run.session} ${task}`);
    const row = task === null ? undefined : taskOf.get(task);
    // Where events do not tell of the claim, the task's own row does of its last one.
    const byRow =
      row?.epoch === epoch && row?.status === "accepted"
        ? "accepted"
        : row?.epoch === epoch && row?.status === "claimed"
          ? "open"
          : "not known";
    return {
      task,
      ship: shipOf.get(run.life) ?? null,
      usage: usageOf(run, costs[index]!, basisOf((models.get(run.run) ?? []).map(({ basis }) => basis)) ?? "reported"),
      end: endOf.get(`${task} ${epoch}`) ?? byRow,
    };
  });
}

/** What each run cost. A ledger of an earlier helm has what its session had cost by then. */
function costsOf(runs: readonly Run[]): number[] {
  const before = new Map<string, number>();
  return runs.map(({ cost_usd, session_cost_usd, session }) => {
    if (cost_usd !== null) return cost_usd;
    const cost = Math.max(0, (session_cost_usd ?? 0) - (before.get(session) ?? 0));
    before.set(session, session_cost_usd ?? 0);
    return cost;
  });
}

/** A run may hold what no run can have used: it counts for as much as one may tell, as the helm counts it, too. */
function usageOf(run: Run, costUsd: number, basis: Basis): Usage {
  const bounded = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  return {
    basis,
    costUsd: bounded(costUsd, 100_000),
    inputTokens: bounded(run.input, 1e12),
    outputTokens: bounded(run.output, 1e12),
    cacheReadTokens: bounded(run.cache_read, 1e12),
    cacheCreationTokens: bounded(run.cache_creation, 1e12),
    turns: bounded(run.turns, 1e9),
    seconds: bounded(run.seconds, 1e9),
  };
}

function sums(counted: readonly Counted[], keyOf: (run: Counted) => string | null): Map<string, Usage> {
  const groups = Map.groupBy(counted, keyOf);
  return new Map([...groups].flatMap(([key, runs]) => (key === null ? [] : [[key, sumOf(runs)!] as const])));
}

function sumOf(runs: readonly Counted[]): Usage | null {
  const basis = basisOf(runs.map(({ usage }) => usage.basis));
  if (basis === undefined) return null;
  const sum = (key: (typeof COUNTS)[number]) => runs.reduce((all, { usage }) => all + usage[key], 0);
  const counts = Object.fromEntries(COUNTS.map((key) => [key, sum(key)])) as Record<(typeof COUNTS)[number], number>;
  return { ...counts, costUsd: micros(counts.costUsd), basis };
}

/** What was used of each model, the dearest first, as far as runs have told of models. */
function modelsOf({ runModels }: Tables): ModelFacts[] {
  return [...Map.groupBy(runModels, ({ model }) => model)]
    .map(([model, rows]) => ({
      model,
      costUsd: micros(rows.reduce((all, { cost_usd }) => all + cost_usd, 0)),
      tokens: rows.reduce(
        (all, { input, output, cache_read, cache_creation }) => all + input + output + cache_read + cache_creation,
        0,
      ),
      basis: basisOf(rows.map(({ basis }) => basis)) ?? "unknown",
    }))
    .sort((a, b) => b.costUsd - a.costUsd);
}

/** Rounds to micro-dollars, in which Claude Code counts. */
const micros = (value: number) => Math.round(value * 1e6) / 1e6;
