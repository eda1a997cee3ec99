import { z } from "zod";
import { voyageFolder } from "../../lib/base/paths.ts";
import { shipSessions } from "../../lib/mutagen/sessions.ts";

export const MutagenSyncInputs = z.object({
  stack: z.string(),
  voyageId: z.string(),
  ship: z.string(),
  /** Name at the provider, which is the host name too. */
  sprite: z.string(),
  /** A re-created VM redoes its syncs (design 3). */
  incarnation: z.string(),
  session: z.enum(["tasks", "workspace", "logs"]),
  provider: z.enum(["harbor", "sprites"]),
  /** The control plane of the voyage's tailnet; absent: there is none. */
  control: z.enum(["tailscale", "headscale"]).optional(),
  /** Whom ssh logs in as there; default `sprite`. */
  user: z.string().optional(),
  /** The ship's node in the tailnet: a new one is another way to the same files. */
  nodeId: z.string().optional(),
});
export type SyncInputs = z.infer<typeof MutagenSyncInputs>;

/** The session that these inputs ask for. */
export const sessionSpec = (of: SyncInputs) =>
  shipSessions({
    folder: voyageFolder(of.stack),
    voyageId: of.voyageId,
    ship: of.ship,
    incarnation: of.incarnation,
    host: of.sprite,
    ...(of.user && { user: of.user }),
  })[of.session];
