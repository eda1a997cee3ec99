import { mkdir, readdir, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import { putLinksAside } from "../../lib/mutagen/mirror-links.ts";
import { leftFolder } from "../shared/aside.ts";

/**
 * Makes the captain's mirror of a ship ready for an incarnation. A two-way sync would carry what an earlier incarnation
 * left there onto the new VM. So the helm first saves what was uncommitted of a claim (`refs/lost/…`), and then the
 * whole mirror is put aside, to `ships/left/<ship>/<its incarnation>`. Nothing is deleted, because work that a ship
 * handed back, and files that git ignores, are in no ref.
 */
export async function makeRoom(of: { stack: string; voyageId: string; ship: string; incarnation: string }): Promise<void> {
  const folder = voyageFolder(of.stack);
  const mirror = folder.mirror(of.ship);
  const note = `${mirror}.incarnation`;
  const owner = await readFile(note, "utf8").catch(() => "");
  if (owner !== of.incarnation) {
    if (owner) await (await ensureHelm()).fenceShip(of.voyageId, of.ship, owner, "its VM was replaced");
    if ((await readdir(mirror).catch(() => [])).length > 0) {
      const aside = leftFolder({ ...of, incarnation: owner || "unknown" });
      await mkdir(dirname(aside), { recursive: true });
      await putLinksAside(mirror); // the helm follows no links here any more
      await rename(mirror, aside);
    }
  }
  await mkdir(mirror, { recursive: true });
  await writeAtomically(note, of.incarnation);
}
