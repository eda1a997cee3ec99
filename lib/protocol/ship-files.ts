import { z } from "zod";
import { ProvisionStep } from "../plan/types.ts";
import { Incarnation } from "./ship-api.ts";

/**
 * The files by which the captain's side tells a ship's programs what to do, and by which they answer. They lie in the ship's home, and each
 * is JSON that matches one of these schemas.
 */

/** What a ship needs to start: `~/voyage/crew/config.json`, 0600. The token is beside it in `token`, 0600. */
export const CrewConfig = z.object({
  voyageId: z.string(),
  stack: z.string(),
  ship: z.string(),
  incarnation: Incarnation,
  /** Base URL of the helm as the ship reaches it, no trailing slash. */
  helmUrl: z.url(),
  /** Claude Code's task list name: `<stack>-tasks`. */
  taskList: z.string(),
  /** Digest of the plan's provision steps: the crew does not begin before they are done. Absent when there is none. */
  provision: z.string().optional(),
});
export type CrewConfig = z.infer<typeof CrewConfig>;

/** What the helm's door on a ship in a tailnet needs (crew/tailnet/door.ts): `~/voyage/tailnet/door.json`. */
export const DoorConfig = z.object({
  /** The captain's IPv4 address in the tailnet. */
  captain: z.string(),
  /** The helm's port, there and on the ship's loopback. */
  port: z.number().int(),
  /** tailscaled's SOCKS5 proxy on loopback; null: a kernel interface carries plain connections. */
  socksPort: z.number().int().nullable(),
});
export type DoorConfig = z.infer<typeof DoorConfig>;
/** What crew/provision/main.ts is to do: `~/voyage/crew/provision.json`. `attempt` tells this order's word from an earlier one's. */
export const ProvisionOrder = z.object({ attempt: z.string(), digest: z.string(), steps: z.array(ProvisionStep) });
export type ProvisionOrder = z.infer<typeof ProvisionOrder>;

/** How far it is: `~/voyage/crew/provisioned.json`. The ship is provisioned while this says `done` for the digest in its config. */
export const ProvisionWord = z.object({
  state: z.enum(["running", "done", "failed"]),
  attempt: z.string(),
  digest: z.string(),
  /** What runs, for people: `step 1 of 2 (npm ci)`; while it fetches, `the first checkout`. */
  at: z.string(),
  /** Why it failed: `ended with exit status 1: …`, with the end of what it printed. */
  why: z.string().optional(),
});
export type ProvisionWord = z.infer<typeof ProvisionWord>;
