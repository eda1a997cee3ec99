import { z } from "zod";
import { ProvisionStep } from "../plan/types.ts";
import { Incarnation } from "./ship-fields.ts";

/**
 * The files by which the captain's side tells a ship's programs what to do, and by which they answer. They lie in the
 * ship's home, and each is JSON that matches one of these schemas.
 */

/**
 * What a crew needs to start: `~/voyage/crew/config.json`. The ship's token lies beside it in `token`; both are 0600.
 */
export const CrewConfig = z.object({
  voyageId: z.string(),
  stack: z.string(),
  ship: z.string(),
  incarnation: Incarnation,
  /** The base URL of the helm as the ship reaches it, without a slash at its end. */
  helmUrl: z.url(),
  /** The name of Claude Code's task list, `<stack>-tasks`. */
  taskList: z.string(),
  /**
   * The digest of the plan's provision steps, before whose end the crew does not begin. It is absent when there are
   * none.
   */
  provision: z.string().optional(),
});
export type CrewConfig = z.infer<typeof CrewConfig>;

/** What the door of a ship in a tailnet needs to know (crew/tailnet/door.ts): `~/voyage/tailnet/door.json`. */
export const DoorConfig = z.object({
  /** The captain's IPv4 address in the tailnet. */
  captain: z.string(),
  /** The helm's port, which is the same at the captain's address and on the ship's loopback. */
  port: z.number().int(),
  /**
   * The port of tailscaled's SOCKS5 proxy on loopback. It is null where a kernel interface carries plain connections.
   */
  socksPort: z.number().int().nullable(),
});
export type DoorConfig = z.infer<typeof DoorConfig>;

/**
 * What crew/provision/main.ts is to do: `~/voyage/crew/provision.json`. `attempt` is repeated in its answer, which is
 * so told from the answer to an earlier order.
 */
export const ProvisionOrder = z.object({ attempt: z.string(), digest: z.string(), steps: z.array(ProvisionStep) });
export type ProvisionOrder = z.infer<typeof ProvisionOrder>;

/**
 * How far the provisioning is: `~/voyage/crew/provisioned.json`. The ship is provisioned while this says `done` for the
 * digest in its crew's config.
 */
export const ProvisionWord = z.object({
  state: z.enum(["running", "done", "failed"]),
  attempt: z.string(),
  digest: z.string(),
  /** What runs now, as people read it: `step 1 of 2 (npm ci)`, or `the first checkout` while the ship still fetches. */
  at: z.string(),
  /** Why a step failed, such as `ended with exit status 1: …` with the last of what it printed. */
  why: z.string().optional(),
});
export type ProvisionWord = z.infer<typeof ProvisionWord>;
