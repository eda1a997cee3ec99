import { byOwnVerbs, fromElsewhere, onStack } from "../base/hints.ts";
import { PROJECT } from "../base/program-file.ts";
import type { VoyageIdentity } from "../voyage/identity.ts";

/**
 * The subject of hints: a stack, the folder of the project that it is sailed from, and by which of the two commands.
 */
export type About = { stack?: string; project: string; byOcaptain: boolean };

/** The subject of hints about a voyage, by what its folder says of how it was sailed. */
export const aboutVoyage = ({ stack, sailedFrom }: VoyageIdentity): About => ({
  stack,
  project: sailedFrom?.project ?? PROJECT,
  byOcaptain: sailedFrom?.byOcaptain === true,
});

/**
 * The hint as it can be pasted into a shell.
 *
 * @param from  the folder in which that shell is; null: it may be in any
 */
export function pasteableIn(from: string | null, hint: string, { stack, project, byOcaptain }: About): string {
  const named = stack === undefined ? hint : onStack(hint, stack);
  const meant = byOcaptain ? byOwnVerbs(named) : named;
  return from === project ? meant : fromElsewhere(meant, project, PROJECT);
}
