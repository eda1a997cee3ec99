import { readFile } from "node:fs/promises";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { VoyageIdentity } from "../../lib/voyage/identity.ts";
import { readLanding } from "../../lib/voyage/landing-file.ts";
import { canLand, type LandingLook } from "../../lib/watch/landed.ts";

/**
 * Reads from the captain's folder what has become of the voyage's landing, as `ocaptain land` has written it. The helm
 * asks no forge, and has no token of one. What cannot be read tells of nothing.
 */
export async function readLandingLook(folder: VoyageFolder, voyageId: string): Promise<LandingLook> {
  const [landing, voyage] = await Promise.all([
    readLanding(folder, voyageId).catch(() => null),
    readFile(folder.voyageFile, "utf8")
      .then((text) => VoyageIdentity.parse(JSON.parse(text)))
      .catch(() => null),
  ]);
  return { landing: landing ?? undefined, canLand: voyage !== null && canLand(voyage) };
}
