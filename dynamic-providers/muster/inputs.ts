import { z } from "zod";
import { ProviderKind, TailnetKind } from "../../lib/protocol/choices.ts";

export const MusterInputs = z.object({
  stack: z.string(),
  /** Which service makes the ships; recorded, so that a destroy asks the one that made them. */
  provider: ProviderKind,
  /** The control plane of the voyage's tailnet; absent when there is no tailnet. */
  control: TailnetKind.optional(),
});
export type MusterInputs = z.infer<typeof MusterInputs>;
