import { z } from "zod";
import { shipSessions } from "../../lib/mutagen/sessions.ts";
import { voyageFolder } from "../../lib/paths.ts";

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
  })[of.session];
