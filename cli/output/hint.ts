import { fromElsewhere, onStack } from "../../lib/base/hints.ts";
import { PROJECT } from "../../lib/base/program-file.ts";

let stack: string | undefined;

/**
 * Says which stack this run of `ocaptain` is about, once its voyage is chosen: hints that leave the stack out are given
 * it.
 */
export function hintAtStack(name: string): void {
  stack = name;
}

/** The hint as it can be pasted into the shell in which `ocaptain` was typed, in whatever folder that is. */
export function pasteable(hint: string): string {
  const named = stack === undefined ? hint : onStack(hint, stack);
  return process.cwd() === PROJECT ? named : fromElsewhere(named, PROJECT);
}
