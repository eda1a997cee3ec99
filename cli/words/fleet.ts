import type { Command } from "commander";
import type { Verb } from "./verb.ts";

/** The verbs that make a fleet, change it and end it. */
export const FLEET: readonly Verb[] = [];

/** The words `sail` and `sink`: known, and not followed here. */
export function addMovedVerbs(program: Command): void {
  for (const word of ["sail", "sink"] as const)
    program
      .command(`${word} [words...]`, { hidden: true })
      .allowUnknownOption()
      .action(async (words: string[]) => (await import("../verbs/moved.ts")).moved(word, words));
}
