import { z } from "zod";
import { voyageFolder } from "../../lib/base/paths.ts";
import { shipSessions } from "../../lib/mutagen/sessions.ts";
import { SyncedShip } from "./ship-identity.ts";

/** One of a ship's three syncs. */
export const SyncSession = SyncedShip.extend({ session: z.enum(["tasks", "workspace", "logs"]) });
export type SyncSession = z.infer<typeof SyncSession>;

/** The Mutagen session that a sync asks for. */
export const sessionSpec = (of: SyncSession) =>
  shipSessions({
    folder: voyageFolder(of.stack),
    voyageId: of.voyageId,
    ship: of.ship,
    incarnation: of.incarnation,
    host: of.sprite,
    ...(of.user && { user: of.user }),
  })[of.session];
