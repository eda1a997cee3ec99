import { usd } from "../../lib/base/text.ts";
import type { Usage } from "../../lib/protocol/ship-reports.ts";
import { costRemark } from "../../lib/voyage/cost-text.ts";

/** The tokens that a model read and wrote, as `950`, `12k` or `3.4M`. */
export function tokens({ inputTokens, outputTokens, cacheReadTokens, cacheCreationTokens }: Usage): string {
  const count = inputTokens + outputTokens + cacheReadTokens + cacheCreationTokens;
  if (count < 1000) return String(count);
  return count < 999_500 ? `${Math.round(count / 1000)}k` : `${(count / 1e6).toFixed(1)}M`;
}

/**
 * The cost, the budget where there is one, and the tokens for a table's cell, as `$0.42/$2.00 12k`; `nothing`, or
 * `nothing/$2.00`, where no model was used; "" when that is not known. What is not simply told by Claude Code has a
 * remark (lib/voyage/cost-text.ts).
 */
export function spendCell(usage: Usage | null | undefined, budgetUsd?: number): string {
  if (!usage) return "";
  const bound = budgetUsd === undefined ? "" : `/${usd(budgetUsd)}`;
  const used = tokens(usage);
  return used === "0" && usage.costUsd === 0 ? `nothing${bound}` : `${usd(usage.costUsd)}${bound}${costRemark(usage)} ${used}`;
}
