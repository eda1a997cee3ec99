import { OcaptainError } from "../../lib/base/errors.ts";

/**
 * The ready questions, in SQL over the tables of cli/reader. What was spent is asked of the ledgers, which know it also
 * where telemetry is off, and which the budgets go by; only programs that are of no voyage are asked of telemetry. The
 * parts of a report always come to its whole.
 */

/** By what costs and tokens can be told apart. */
export const DIMENSIONS = ["voyage", "ship", "task", "model", "hour", "day"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Answers of models, as Claude Code's telemetry tells them. */
const ANSWERS = `SELECT * FROM logs WHERE name = 'claude_code.api_request'`;
const COUNTED = ["cost_usd", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"];
const WEIGHT =
  "1 + coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_creation_tokens, 0)";
/** Telemetry names what an answer was for and by which model. */
const KEYS = ["voyage", "ship", "task", "epoch", "model"];
const same = (a: string, b: string) => KEYS.map((key) => `${a}.${key} IS NOT DISTINCT FROM ${b}.${key}`).join(" AND ");

/**
 * All that was spent, a row a run, model and hour: a run's sums are shared out to the hours in which telemetry has
 * answers for that claim, by their tokens, and else stand at the run's end.
 */
const PARTS = `weights AS (
  SELECT ${KEYS.join(", ")}, date_trunc('hour', time) AS hour, sum(${WEIGHT})::DOUBLE AS weight
  FROM (${ANSWERS}) WHERE voyage IS NOT NULL GROUP BY ALL
), shares AS (
  SELECT * EXCLUDE weight, weight / sum(weight) OVER (PARTITION BY ${KEYS.join(", ")}) AS share FROM weights
), parts AS (
  SELECT coalesce(voyages.name, spend.voyage) AS voyage, spend.ship, spend.task, spend.model, spend.basis,
    coalesce(shares.hour, date_trunc('hour', spend.at)) AS hour, ${COUNTED.map((name) => `spend.${name} * coalesce(shares.share, 1) AS ${name}`).join(", ")}
  FROM spend LEFT JOIN shares ON ${same("spend", "shares")} LEFT JOIN voyages ON voyages.voyage = spend.voyage
  UNION ALL
  SELECT NULL, NULL, NULL, model, CASE WHEN model ILIKE '%claude%' THEN 'reported' ELSE 'unknown' END, date_trunc('hour', time),
    ${COUNTED.map((name) => `coalesce(${name}, 0)`).join(", ")} FROM (${ANSWERS}) WHERE voyage IS NULL
)`;

/** A sum's basis is that of its least certain part. */
const BASIS = `CASE WHEN bool_or(basis = 'unknown') THEN 'unknown' WHEN bool_or(basis = 'derived') THEN 'derived' ELSE 'reported' END AS basis`;
const SUMS = COUNTED.map((name) =>
  name === "cost_usd" ? "sum(cost_usd) AS cost_usd" : `round(sum(${name}))::BIGINT AS ${name}`,
);

const KEY: Record<Dimension, string> = {
  voyage: "coalesce(voyage, '(other programs)') AS voyage",
  ship: "voyage, coalesce(ship, '(other programs)') AS ship",
  task: "voyage, coalesce(task, '(no task)') AS task",
  model: "coalesce(model, '(not told)') AS model",
  hour: "hour",
  day: "hour::DATE AS day",
};

/** Reads a dimension. @throws OcaptainError USAGE */
export function dimension(text: string): Dimension {
  const found = DIMENSIONS.find((each) => each === text);
  if (found) return found;
  throw new OcaptainError("USAGE", `--by ${text}: it can be told by ${DIMENSIONS.join(", ")}`, {
    hint: "ocaptain telemetry cost --by ship",
  });
}

/** What was spent, told apart; the dearest first, times in their order. */
export function costSql(by: Dimension): string {
  const order = by === "hour" || by === "day" ? by : `cost_usd DESC, ${by}`;
  return `WITH ${PARTS} SELECT ${KEY[by]}, sum(cost_usd) AS cost_usd, ${BASIS}, round(sum(${COUNTED.slice(1).join(" + ")}))::BIGINT AS tokens
  FROM parts GROUP BY ALL ORDER BY ${order}`;
}

/** The tokens by their kinds, and how many of those that were read came from caches. */
export function tokensSql(by: Dimension): string {
  const order =
    by === "hour" || by === "day" ? by : `input_tokens + cache_read_tokens + cache_creation_tokens + output_tokens DESC, ${by}`;
  return `WITH ${PARTS}, sums AS (SELECT ${KEY[by]}, ${SUMS.slice(1).join(", ")} FROM parts GROUP BY ALL)
  SELECT *, round(cache_read_tokens / nullif(input_tokens + cache_read_tokens + cache_creation_tokens, 0), 3) AS cached
  FROM sums ORDER BY ${order}`;
}

/** The tools that agents have used: how often, how often in vain, and how long that took. Telemetry alone knows it. */
export const TOOLS_SQL = `SELECT coalesce(tool, '(not told)') AS tool, count(*) AS calls,
  count(*) FILTER (WHERE status = 'error' OR json_extract_string(attributes, '$.success') = 'false') AS failed,
  round(sum(duration_ms) / 1000, 3) AS seconds, round(avg(duration_ms)) AS mean_ms, round(quantile_cont(duration_ms, 0.95)) AS p95_ms,
  max(duration_ms) AS longest_ms
  FROM logs WHERE name = 'claude_code.tool_result' GROUP BY ALL ORDER BY seconds DESC NULLS LAST, calls DESC, tool`;

const PER = (cost: string, count: string) => `${cost} / nullif(${count}, 0)`;

/** What a task has cost that came to something: all that was spent, by accepted and by verified tasks. */
export const WORTH_SQL = `WITH costs AS (
  SELECT voyage, sum(cost_usd) AS spent_usd, ${BASIS}, coalesce(sum(cost_usd) FILTER (WHERE outcome IN ('accepted', 'verified')), 0) AS delivered_usd,
    coalesce(sum(cost_usd) FILTER (WHERE thrown_away), 0) AS thrown_away_usd,
    coalesce(sum(cost_usd) FILTER (WHERE outcome IN ('no task', 'at work', 'asked')), 0) AS other_usd FROM spend GROUP BY voyage
), counts AS (
  SELECT voyage, count(*) AS tasks, count(*) FILTER (WHERE status = 'accepted') AS accepted, count(*) FILTER (WHERE verified) AS verified FROM tasks GROUP BY voyage
) SELECT voyages.name AS voyage, coalesce(spent_usd, 0) AS spent_usd, basis, coalesce(delivered_usd, 0) AS delivered_usd,
  coalesce(thrown_away_usd, 0) AS thrown_away_usd, coalesce(other_usd, 0) AS other_usd, coalesce(tasks, 0) AS tasks,
  coalesce(accepted, 0) AS accepted, coalesce(verified, 0) AS verified,
  ${PER("coalesce(spent_usd, 0)", "accepted")} AS usd_per_accepted, ${PER("coalesce(spent_usd, 0)", "verified")} AS usd_per_verified
  FROM voyages LEFT JOIN costs USING (voyage) LEFT JOIN counts USING (voyage) ORDER BY spent_usd DESC NULLS LAST, voyages.name`;

/** What was spent on claims that came to nothing, and why they did. */
export const WASTE_SQL = `SELECT coalesce(voyages.name, spend.voyage) AS voyage, outcome AS cause, task, epoch, ship, sum(cost_usd) AS cost_usd, ${BASIS}, any_value(spend.reason) AS reason
  FROM spend LEFT JOIN voyages USING (voyage) WHERE thrown_away GROUP BY ALL ORDER BY cost_usd DESC, voyage, task, epoch`;
