import type { SessionSettings } from "../../../../lib/plan/types.ts";
import type { Counts, ModelUsage, RunUsage } from "../../../../lib/protocol/ship-reports.ts";

/** The prices that the plan names, by models; undefined where it names none. */
export type Prices = SessionSettings["prices"];
/** What was used of one model. */
export type OfModel = Omit<ModelUsage, "model">;
/** What was used, and by models, as far as that is known. */
export type Used = Counts & { models: ReadonlyMap<string, OfModel> };

export const NOTHING_USED: Used = {
  costUsd: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheCreationTokens: 0,
  turns: 0,
  seconds: 0,
  models: new Map(),
};
const COUNTS = ["costUsd", "inputTokens", "outputTokens", "cacheReadTokens", "cacheCreationTokens", "turns", "seconds"] as const;
const OF_MODEL = COUNTS.slice(0, 5) as (keyof OfModel & keyof Counts)[];
/** The most models of which one run tells. The helm takes no more. */
const MOST_MODELS = 20;

/** The name as the helm takes it; "" for what is no name. */
export const modelName = (name: unknown): string =>
  typeof name === "string" ? name.replace(/[^\x21-\x7e]/g, "?").slice(0, 200) : "";

/**
 * What something has cost that a model did: by the plan's prices where they name the model, with or without what stands
 * in brackets behind its name, and else as Claude Code has told it.
 *
 * @param isKnown whether Claude Code knows the model's price; else it has guessed. @default by the model's name
 */
export function priced(model: string, told: Omit<OfModel, "basis">, prices: Prices, isKnown = /claude/i.test(model)): OfModel {
  const name = [model, model.replace(/\[.*\]$/, "")].find((each) => prices && Object.hasOwn(prices, each));
  if (name === undefined) return { ...told, basis: isKnown ? "reported" : "unknown" };
  const { input, output, cacheRead = input, cacheWrite = input } = prices![name]!;
  const perMillion =
    told.inputTokens * input +
    told.outputTokens * output +
    told.cacheReadTokens * cacheRead +
    told.cacheCreationTokens * cacheWrite;
  return { ...told, costUsd: perMillion / 1e6, basis: "derived" };
}

/** Adds what an answer has used. */
export function plus(used: Used, answer: OfModel, model: string): Used {
  const sum = { ...used, turns: used.turns + 1, models: new Map(used.models) };
  for (const key of OF_MODEL) sum[key] += answer[key];
  const before = used.models.get(model);
  if (model === "" || (!before && used.models.size >= MOST_MODELS)) return sum;
  const after = { ...answer };
  for (const key of OF_MODEL) after[key] += before?.[key] ?? 0;
  sum.models.set(model, after);
  return sum;
}

/** The most of each, where two tell of the same; where a cost is known from, `a` says it. */
export const most = (a: Used, b: Used): Used => {
  const models = new Map(b.models);
  for (const [name, of] of a.models) models.set(name, { ...each(OF_MODEL, of, b.models.get(name), Math.max), basis: of.basis });
  return { ...each(COUNTS, a, b, Math.max), models: new Map([...models].slice(0, MOST_MODELS)) };
};

/** What is left of `all` without `part`, at least nothing. */
export const less = (all: Used, part: Used): Used => ({
  ...each(COUNTS, all, part, rest),
  models: new Map(
    [...all.models].map(([name, of]) => [name, { ...each(OF_MODEL, of, part.models.get(name), rest), basis: of.basis }]),
  ),
});

const rest = (a: number, b: number) => Math.max(0, a - b);

function each<Key extends string>(
  keys: readonly Key[],
  a: Record<Key, number>,
  b: Partial<Record<Key, number>> | undefined,
  how: (a: number, b: number) => number,
): Record<Key, number> {
  return Object.fromEntries(keys.map((key) => [key, how(a[key], b?.[key] ?? 0)])) as Record<Key, number>;
}

/** The usage as the helm is told of it. */
export const asTold = ({ models, ...counts }: Used): RunUsage => {
  const used = [...models].filter(([, of]) => OF_MODEL.some((key) => of[key] > 0));
  return { ...counts, ...(used.length > 0 && { models: used.map(([model, of]) => ({ model, ...of })) }) };
};

/** What Claude Code tells of a model at a run's end, and in a session's transcript. */
export type ModelResult = {
  inputTokens?: number;
  outputTokens?: number;
  cacheReadInputTokens?: number;
  cacheCreationInputTokens?: number;
  costUSD?: number;
  /** `list`, or `unknown` for a model whose price Claude Code has guessed; not in transcripts. */
  costBasis?: string;
};
/** What a session has cost so far. */
export type SessionCost = { costUsd: number; models: Record<string, ModelResult> };

/**
 * What one run has used by Claude Code's own result, which counts the session: without what that had cost earlier, and
 * by the plan's prices. What the result leaves to no model counts as told, but not beside prices: it is at others.
 */
export function ofRun(counts: Counts, session: SessionCost, earlier: SessionCost, prices: Prices): Used {
  const models = new Map<string, OfModel>();
  let toldUsd = 0;
  for (const [name, result] of Object.entries(session.models).slice(0, MOST_MODELS)) {
    const before = countsOf(earlier.models[name]);
    const own = each(OF_MODEL, countsOf(result), before, rest);
    toldUsd += own.costUsd;
    const known = result.costBasis === undefined ? undefined : result.costBasis !== "unknown";
    models.set(modelName(name), priced(name, own, prices, known));
  }
  const others = prices ? 0 : rest(rest(session.costUsd, earlier.costUsd), toldUsd);
  return { ...counts, costUsd: [...models.values()].reduce((sum, of) => sum + of.costUsd, others), models };
}

const countsOf = (told: ModelResult = {}) => ({
  costUsd: amount(told.costUSD),
  inputTokens: amount(told.inputTokens),
  outputTokens: amount(told.outputTokens),
  cacheReadTokens: amount(told.cacheReadInputTokens),
  cacheCreationTokens: amount(told.cacheCreationInputTokens),
});

/** The number, at least 0; 0 for what is none. */
export const amount = (value: unknown): number => Math.max(0, Number(value) || 0);
