import { DEFAULT_MODEL, type PlanHandSettings, type SessionSettings } from "../../lib/plan/types.ts";
import type { Ledger } from "./ledger.ts";

/** The plan's settings of the hand `claude`, in which the model is named, as ships do not know the default. */
export const planHandSettings = (ledger: Ledger): PlanHandSettings & SessionSettings => ({
  model: DEFAULT_MODEL,
  ...(JSON.parse(ledger.meta("claude") || "{}") as PlanHandSettings),
});
