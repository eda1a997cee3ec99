import { PROJECT } from "../../lib/base/program-file.ts";
import { isCheckout } from "../../lib/base/set-up-command.ts";
import { type About, pasteableIn } from "../../lib/watch/hint.ts";

let about: About | undefined;

/**
 * Says which stack this run of `ocaptain` is about, once its voyage is chosen: hints that leave the stack out are given
 * it, and all name the command by which that voyage is sailed. A run begins with none.
 */
export function hintAt(what: About | undefined): void {
  about = what;
}

/**
 * The hint as it can be pasted into the shell in which `ocaptain` was typed, in whatever folder that is.
 *
 * @param what  what it is about, where that is another than what this run is about
 */
export function pasteable(hint: string, what: About | undefined = about): string {
  // The folder of the package is no project from which somebody sails.
  return pasteableIn(process.cwd(), hint, what ?? { project: PROJECT, byOcaptain: !isCheckout });
}
