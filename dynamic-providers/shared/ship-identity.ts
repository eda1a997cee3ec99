import { z } from "zod";
import { ProviderKind, TailnetKind } from "../../lib/protocol/choices.ts";

/** Names one life of one ship: the inputs that all resources of a ship share. */
export const ShipIdentity = z.object({
  stack: z.string(),
  voyageId: z.string(),
  /** `ship-<i>`. */
  ship: z.string(),
  /** The VM's name at the provider, which is its host name too, also in a tailnet. */
  sprite: z.string(),
  /**
   * The platform's id of this life of the VM: one that is made anew has another, and what hangs on the VM is made anew
   * with it.
   */
  incarnation: z.string(),
});
export type ShipIdentity = z.infer<typeof ShipIdentity>;

/** A ship with the service that made its VM, which is recorded so that a delete asks the same one. */
export const ShipOfProvider = ShipIdentity.extend({ provider: ProviderKind });
export type ShipOfProvider = z.infer<typeof ShipOfProvider>;

/** A ship as its syncs reach it. */
export const SyncedShip = ShipOfProvider.extend({
  /** The control plane of the voyage's tailnet; absent when there is no tailnet. */
  control: TailnetKind.optional(),
  /** The user that ssh logs in as over a tailnet. */
  user: z.string().optional(),
});
export type SyncedShip = z.infer<typeof SyncedShip>;
