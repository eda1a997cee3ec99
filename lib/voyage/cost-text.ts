import { usd } from "../base/text.ts";
import type { Basis } from "../protocol/ship-reports.ts";

/** What is said behind a cost that Claude Code has not simply told. */
const REMARKS: Record<Basis, string> = { reported: "", derived: " (derived)", unknown: " (price unknown)" };

/**
 * Writes a cost for people, and where it is known from: `$0.42`, by Claude Code's own count; `$0.42 (derived)`, in part
 * or whole by the plan's prices; `$0.42 (price unknown)`, in part or whole a guess.
 */
export const costText = (cost: Cost): string => usd(cost.costUsd) + costRemark(cost);

/** What {@link costText} says behind the amount. */
export const costRemark = ({ costUsd, basis = "reported" }: Cost): string => (costUsd > 0 ? REMARKS[basis] : "");

type Cost = { costUsd: number; basis?: Basis | undefined };
