import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { git } from "../../lib/git/run.ts";

/** How many objects in one of the 256 folders are many: as many as git's own gc.auto allows. */
const MANY = 27;
const PACK_MS = 10 * 60_000;

/**
 * Packs a voyage's repository when very much lies loose in it: each accepted task leaves a ref and some objects, each a
 * file of its own, and every push lists all refs. Nothing is thrown away: what no ref leads to stays where it is, for
 * it may belong to a merge that is under way. Returns whether it was due.
 */
export async function tidyRepo(folder: VoyageFolder, many = MANY): Promise<boolean> {
  const sample = await readdir(join(folder.repo, "objects", "17")).catch(() => []);
  if (sample.length < many) return false;
  const bare = { gitDir: folder.repo, timeoutMs: PACK_MS };
  await git(["pack-refs", "--all"], bare);
  await git(["repack", "-d", "-l", "--quiet"], { ...bare, config: [["pack.threads", "1"]] });
  return true;
}
