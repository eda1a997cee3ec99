import { mkdir, readFile, rm } from "node:fs/promises";
import { writeAtomically } from "../../lib/atomic-file.ts";
import { ensureHelm } from "../../lib/helm-daemon.ts";
import { voyageFolder } from "../../lib/paths.ts";

/**
 * Makes the captain's mirror of a ship ready for an incarnation: what an earlier one left there is saved by the helm (`refs/lost/…`) and
 * cleared, since a two-way sync would otherwise carry a dead VM's files onto the new one. The mirror's owner is noted beside it.
 */
export async function makeRoom(of: { stack: string; voyageId: string; ship: string; incarnation: string }): Promise<void> {
  const mirror = voyageFolder(of.stack).mirror(of.ship);
  const note = `${mirror}.incarnation`;
  const owner = await readFile(note, "utf8").catch(() => "");
  if (owner !== of.incarnation) {
    if (owner) await (await ensureHelm()).fenceShip(of.voyageId, of.ship, owner, "its VM was replaced");
    await rm(mirror, { recursive: true, force: true });
  }
  await mkdir(mirror, { recursive: true });
  await writeAtomically(note, of.incarnation);
}
