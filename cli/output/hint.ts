import { byOwnVerbs, fromElsewhere, onStack } from "../../lib/base/hints.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { isCheckout } from "../../lib/base/set-up-command.ts";
import type { VoyageIdentity } from "../../lib/voyage/identity.ts";

/**
 * The subject of hints: a stack, the folder of the project that it is sailed from, and by which of the two commands.
 */
type About = { stack?: string; project: string; byOcaptain: boolean };

/** The subject of hints about a voyage, by what its folder says of how it was sailed. */
export const aboutVoyage = ({ stack, sailedFrom }: VoyageIdentity): About => ({
  stack,
  project: sailedFrom?.project ?? PROJECT,
  byOcaptain: sailedFrom?.byOcaptain === true,
});

let about: About | undefined;

/**
 * Says which stack this run of `ocaptain` is about, once its voyage is chosen: hints that leave the stack out are given
 * it, and all name the command by which that voyage is sailed.
 */
export function hintAt(what: About): void {
  about = what;
}

/**
 * The hint as it can be pasted into the shell in which `ocaptain` was typed, in whatever folder that is.
 *
 * @param what  what it is about, where that is another than what this run is about
 */
export function pasteable(hint: string, what: About | undefined = about): string {
  // The folder of the package is no project from which somebody sails.
  const { stack, project, byOcaptain } = what ?? { stack: undefined, project: PROJECT, byOcaptain: !isCheckout };
  const named = stack === undefined ? hint : onStack(hint, stack);
  const meant = byOcaptain ? byOwnVerbs(named) : named;
  return process.cwd() === project ? meant : fromElsewhere(meant, project, PROJECT);
}
