import { mkdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { voyageFolder } from "../../lib/base/paths.ts";
import type { Mutagen } from "../../lib/mutagen/client.ts";
import { placeInMirror } from "../../lib/mutagen/mirror-links.ts";
import type { MutagenSession } from "../../lib/mutagen/session.ts";
import { leftFolder, tellAside } from "./aside.ts";

type Of = { stack: string; ship: string; incarnation: string };

/**
 * Settles the conflicts of a ship's mirror. The ship's side is its work, and stays; what the captain has there is put
 * aside, and named on stderr, so nothing is lost. What is still in conflict then is in the session that is returned.
 */
export async function settleConflicts(
  mutagen: Mutagen,
  session: MutagenSession,
  of: Of,
  timeoutMs: number,
): Promise<MutagenSession> {
  const mirror = voyageFolder(of.stack).mirror(of.ship);
  const aside = leftFolder(of);
  const moved = new Set<string>();
  let state = session;
  try {
    // Mutagen names a few conflicts at a time.
    for (;;) {
      const next = state.conflicts.filter((path) => path !== "." && !moved.has(path));
      if (next.length === 0) return state;
      for (const path of next) {
        moved.add(path);
        const place = await placeInMirror(mirror, path);
        if (!place) continue;
        await mkdir(dirname(join(aside, path)), { recursive: true });
        await rename(place, join(aside, path)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") throw error; // the captain has deleted it
        });
      }
      state = await mutagen.flush(state.name, { timeoutMs });
    }
  } finally {
    tellAside(of.ship, [...moved], aside);
  }
}
