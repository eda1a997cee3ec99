import type { LandingFile } from "../../../lib/voyage/landing-file.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Pull } from "../../forge/forge.ts";
import { fetchBase } from "../land/base.ts";
import { placeOf } from "../land/place.ts";
import { tryUpdate } from "../land/update.ts";

/**
 * Tells whether a pull request can be merged without a conflict, where the forge does not: Gitea tells it of no draft.
 * git tries the merge in the voyage's own repository, and moves no branch. Returns null where that cannot be tried.
 */
export async function mergesByGit(
  voyage: KnownVoyage,
  landing: LandingFile,
  { headCommit, base }: Pick<Pull, "headCommit" | "base">,
  signal: AbortSignal,
): Promise<boolean | null> {
  // Another pull request of a stack is the base of this one, and conflicts with it only if somebody has changed it.
  if (base !== landing.base || !landing.pushed.some(({ head }) => head === headCommit)) return null;
  try {
    const place = await placeOf(voyage, undefined, landing);
    const found = await fetchBase(voyage, place, base, headCommit, signal);
    return (await tryUpdate(voyage.folder.repo, headCommit, found)).kind !== "conflict";
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}
