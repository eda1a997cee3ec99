import { z } from "zod";
import { HandKind, ProviderKind, TailnetKind, TelemetryChoice } from "../../lib/protocol/choices.ts";

export const HelmInputs = z.object({
  stack: z.string(),
  voyageId: z.string(),
  provider: ProviderKind,
  /** The control plane of the voyage's tailnet; absent when there is no tailnet. */
  control: TailnetKind.optional(),
  hand: HandKind,
  /**
   * The digest of the whole plan, which lies in the captain's folder (lib/plan/kept-plan.ts): a changed plan is an
   * update of this resource.
   */
  planDigest: z.string(),
  /** What plan that is, for whoever reads a preview. */
  planSummary: z.string(),
  /** US dollars that the voyage may spend with the hand claude; absent when there is no bound. */
  budgetUsd: z.number().positive().optional(),
  /** What of the hand claude's telemetry is kept; absent when it is the usual, without contents. */
  telemetry: TelemetryChoice.optional(),
  /** Minutes without progress after which a ship at work is named; absent for the helm's own. */
  noProgressMinutes: z.number().positive().optional(),
  leaseSeconds: z.number().positive(),
  lingerSeconds: z.number().nonnegative(),
});
export type HelmInputs = z.infer<typeof HelmInputs>;
