import { z } from "zod";
import { TailnetKind } from "../../lib/protocol/choices.ts";
import { ShipOfProvider } from "../shared/ship-identity.ts";

export const TailnetNodeInputs = ShipOfProvider.extend({
  /** The control plane that the ship joins; recorded, so that a delete asks the same one. */
  control: TailnetKind,
  /** The id of the ship's key to join with. */
  keyId: z.string(),
  /** The key itself, a secret. */
  key: z.string(),
  /** The captain's IPv4 address in the tailnet, at which the ship asks for the helm. */
  captain: z.string(),
  /** The helm's port at that address. */
  helmPort: z.number().int(),
  /**
   * Digest of tailscale's version and the crew's files for the tailnet: when it changes, the new ones are put on the
   * same VM.
   */
  digest: z.string(),
});
export type TailnetNodeInputs = z.infer<typeof TailnetNodeInputs>;
