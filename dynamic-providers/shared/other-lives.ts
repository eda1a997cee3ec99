import { incarnationLabel } from "../../lib/mutagen/sessions.ts";
import { type SyncedVoyage, voyageMutagen } from "../../lib/mutagen/voyage.ts";

/**
 * Ends the syncs of a ship's earlier incarnations. A VM that was made again has the name, and so the address, of the
 * old one: an old session would connect to it, find its tree empty, and carry that to the mirror. Mutagen halts when a
 * root is emptied, but not when it held one entry.
 */
export async function endOtherLives(of: SyncedVoyage & { ship: string; incarnation: string }): Promise<void> {
  const mutagen = voyageMutagen(of);
  if (!(await mutagen.running())) return;
  const life = incarnationLabel(of.incarnation);
  for (const { name, labels } of await mutagen.list())
    if (labels.ship === of.ship && labels.incarnation !== life) await mutagen.terminate(name);
}
