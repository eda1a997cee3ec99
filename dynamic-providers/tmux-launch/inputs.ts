import { z } from "zod";
import { ProvisionStep } from "../../lib/plan/types.ts";
import { ShipOfProvider } from "../shared/ship-identity.ts";

export const TmuxLaunchInputs = ShipOfProvider.extend({
  /** Digest of the crew's files: when it changes, the crew is stopped and started anew. */
  crewDigest: z.string(),
  /**
   * Digest of the hand's credentials, "" for a hand that needs none. New ones are put on the ship; the hand reads them
   * when it next starts.
   */
  credentialsDigest: z.string().default(""),
  /** The plan's provision steps; absent when there are none. When they change they run before a new crew starts. */
  provision: z.array(ProvisionStep).optional(),
  /** Whether the plan asks for the captain's GH_TOKEN, which is then among the credentials. */
  github: z.literal(true).optional(),
  /** The helm's base URL as the ship reaches it. */
  helmUrl: z.string(),
  /** `user@address` of the ship in its tailnet; absent when it is reached by its provider's name. */
  at: z.string().optional(),
  /** Names of the sync sessions that must be there before the crew starts. */
  sessions: z.array(z.string()),
});
export type TmuxLaunchInputs = z.infer<typeof TmuxLaunchInputs>;
