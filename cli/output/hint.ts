import { byOwnVerbs, fromElsewhere, onStack } from "../../lib/base/hints.ts";
import { PROJECT } from "../../lib/base/program-file.ts";

/**
 * What hints are about: a stack, the folder of the project that it is sailed from, and by which of the two commands.
 */
type About = { stack: string; project: string; byOcaptain: boolean };

let about: About | undefined;

/**
 * Says which stack this run of `ocaptain` is about, once its voyage is chosen: hints that leave the stack out are given
 * it, and all name the command by which that voyage is sailed.
 */
export function hintAt(what: About): void {
  about = what;
}

/** The hint as it can be pasted into the shell in which `ocaptain` was typed, in whatever folder that is. */
export function pasteable(hint: string): string {
  const { stack, project, byOcaptain } = about ?? { stack: undefined, project: PROJECT, byOcaptain: false };
  const named = stack === undefined ? hint : onStack(hint, stack);
  const meant = byOcaptain ? byOwnVerbs(named) : named;
  return process.cwd() === project ? meant : fromElsewhere(meant, project, PROJECT);
}
