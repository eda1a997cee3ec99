import type { LedgerRun, Outcome, SpentRows } from "../../../lib/plan/ledger-spend.ts";
import { basisOf, COUNTS, type Usage } from "../../../lib/protocol/ship-reports.ts";
import type { ModelFacts, SpendFacts } from "./facts.ts";
import type { Tables } from "./tables.ts";

// What the runs of hands have used: by task, by ship, and by what became of them.

/** A run as it is counted: what it used, of whom, and what became of the claim in which it ran. */
type Counted = { task: string | null; ship: string | null; usage: Usage; outcome: Outcome; isThrownAway: boolean };

export type Spending = {
  spend: SpendFacts;
  byTask: Map<string, Usage>;
  byShip: Map<string, Usage>;
  /** What was thrown away of a task, in US dollars. */
  thrownAwayOf: (task: string) => number;
};

/** How each outcome is said where money was thrown away. */
const WHY: Partial<Record<Outcome, string>> = {
  failed: "the try failed",
  "ship failed": "its ship could not begin",
  "given back": "given back by its ship",
  released: "taken from its ship",
  "ship lost": "lost with its ship",
  ended: "how it ended is not known",
};

/** Sums up the runs of a ledger. */
export function spendingOf({ spent, meta }: Pick<Tables, "spent" | "meta">): Spending {
  const counted = countRuns(spent);
  const dollars = (runs: readonly Counted[]) => micros(runs.reduce((all, { usage }) => all + usage.costUsd, 0));
  const of = (...outcomes: Outcome[]) => dollars(counted.filter(({ outcome }) => outcomes.includes(outcome)));
  const thrown = counted.filter(({ isThrownAway }) => isThrownAway);
  const budget = Number(meta.budgetUsd || Number.NaN);
  return {
    spend: {
      total: sumOf(counted),
      budgetUsd: meta.hand === "claude" && budget > 0 ? budget : null,
      byModel: modelsOf(spent),
      withoutTask: sumOf(counted.filter(({ task }) => task === null)),
      deliveredUsd: of("accepted", "verified"),
      openUsd: of("at work"),
      askedUsd: of("asked"),
      thrownAway: {
        usd: dollars(thrown),
        by: Object.entries(WHY)
          .map(([outcome, why]) => ({ why, runs: thrown.filter((run) => run.outcome === outcome) }))
          .filter(({ runs }) => runs.length > 0)
          .map(({ why, runs }) => ({ why, usd: dollars(runs), runs: runs.length })),
      },
    },
    byTask: sums(counted, ({ task }) => task),
    byShip: sums(counted, ({ ship }) => ship),
    thrownAwayOf: (task) => dollars(thrown.filter((run) => run.task === task)),
  };
}

/** What became of a run is that of each of its parts, of which every run has one. */
function countRuns({ runs, spend }: SpentRows): Counted[] {
  const became = new Map(spend.map(({ run, outcome, thrown_away }) => [run, { outcome, isThrownAway: thrown_away }]));
  return runs.map((run) => ({ task: run.task, ship: run.ship, usage: usageOf(run), ...became.get(run.run)! }));
}

const usageOf = (run: LedgerRun): Usage => ({
  basis: run.basis,
  costUsd: run.cost_usd,
  inputTokens: run.input_tokens,
  outputTokens: run.output_tokens,
  cacheReadTokens: run.cache_read_tokens,
  cacheCreationTokens: run.cache_creation_tokens,
  turns: run.turns,
  seconds: run.seconds,
});

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
function modelsOf({ spend }: SpentRows): ModelFacts[] {
  return [...Map.groupBy(spend, ({ model }) => model)]
    .flatMap(([model, rows]) => (model === null ? [] : [{ model, rows }]))
    .map(({ model, rows }) => ({
      model,
      costUsd: micros(rows.reduce((all, { cost_usd }) => all + cost_usd, 0)),
      tokens: rows.reduce(
        (all, row) => all + row.input_tokens + row.output_tokens + row.cache_read_tokens + row.cache_creation_tokens,
        0,
      ),
      basis: basisOf(rows.map(({ basis }) => basis)) ?? "unknown",
    }))
    .sort((a, b) => b.costUsd - a.costUsd);
}

/** Rounds to micro-dollars, in which Claude Code counts. */
const micros = (value: number) => Math.round(value * 1e6) / 1e6;
