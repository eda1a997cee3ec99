import { z } from "zod";
import { SyncSession } from "../shared/sync-spec.ts";

export const MutagenSyncInputs = SyncSession.extend({
  /** The ship's node in the tailnet: another node is another way to the same files. */
  nodeId: z.string().optional(),
});
export type MutagenSyncInputs = z.infer<typeof MutagenSyncInputs>;
