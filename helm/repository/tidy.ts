import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { git } from "../../lib/git/run.ts";

/**
 * How much may lie loose: refs, of which every push reads each from a file of its own, and objects in one of the 256
 * folders. With so many a push costs two to three times what it costs when all is packed (docs/bench.md).
 */
const LOOSE = { refs: 250, objects: 8 };
const PACK_MS = 10 * 60_000;

/**
 * Packs a voyage's repository when much lies loose in it: each accepted task leaves a ref and some objects, each a file
 * of its own. Nothing is thrown away: what no ref leads to stays where it is, for it may belong to a merge that is
 * under way. Returns whether it was due.
 */
export async function tidyRepo(folder: VoyageFolder, loose: Partial<typeof LOOSE> = {}): Promise<boolean> {
  const most = { ...LOOSE, ...loose };
  const bare = { gitDir: folder.repo, timeoutMs: PACK_MS };
  const areRefsMany = (await looseRefs(join(folder.repo, "refs", "ships"))) >= most.refs;
  const sample = await readdir(join(folder.repo, "objects", "17")).catch(() => []);
  const areObjectsMany = sample.length >= most.objects;
  if (areRefsMany || areObjectsMany) await git(["pack-refs", "--all"], bare);
  if (areObjectsMany) await git(["repack", "-d", "-l", "--quiet"], { ...bare, config: [["pack.threads", "1"]] });
  return areRefsMany || areObjectsMany;
}

/** Counts the refs of the ships that are files of their own. */
async function looseRefs(ships: string): Promise<number> {
  const entries = await readdir(ships, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).length;
}
