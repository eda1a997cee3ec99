import { z } from "zod";
import { PlanNetwork } from "../../lib/plan/types.ts";
import { ProviderKind, TailnetKind } from "../../lib/protocol/choices.ts";

export const SpriteInputs = z.object({
  stack: z.string(),
  voyageId: z.string(),
  /** `ship-<i>`. */
  ship: z.string(),
  /** The VM's name at the provider. */
  name: z.string(),
  provider: ProviderKind,
  /** The control plane of the voyage's tailnet; absent when there is no tailnet. */
  control: TailnetKind.optional(),
  /** The voyage's ownership stamp: a VM without it is not this voyage's. */
  nonce: z.string(),
  /** Digest of the crew's files: when it changes, the new files are put on the same VM. */
  crewDigest: z.string(),
  /** What the plan lets the ship reach; absent when it may reach everything. */
  network: PlanNetwork.optional(),
});
export type SpriteInputs = z.infer<typeof SpriteInputs>;
