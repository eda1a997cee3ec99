import { DEFAULT_MODEL, type PlanHandSettings, type Prices, type SessionSettings } from "../../lib/plan/types.ts";
import type { Ledger } from "./ledger.ts";

/**
 * The plan's settings of the hand `claude`, in which the model is named, as ships do not know the default; with the
 * plan's prices, where it has any.
 */
export function planHandSettings(ledger: Ledger): PlanHandSettings & SessionSettings {
  const prices = JSON.parse(ledger.meta("prices") || "{}") as Prices;
  return {
    model: DEFAULT_MODEL,
    ...(JSON.parse(ledger.meta("claude") || "{}") as PlanHandSettings),
    ...(Object.keys(prices).length > 0 && { prices }),
  };
}
