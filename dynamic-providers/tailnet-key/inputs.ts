import type { z } from "zod";
import { TailnetKind } from "../../lib/protocol/choices.ts";
import { ShipIdentity } from "../shared/ship-identity.ts";

/** A key is for one incarnation: another life of the VM needs another key. */
export const TailnetKeyInputs = ShipIdentity.extend({
  /** The control plane that mints the key; recorded, so that a delete asks the same one. */
  control: TailnetKind,
});
export type TailnetKeyInputs = z.infer<typeof TailnetKeyInputs>;
