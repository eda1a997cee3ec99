import type { Command } from "commander";
import type { Verb } from "./verb.ts";

/** The verbs that make a fleet, change it and end it. */
export const FLEET: readonly Verb[] = [
  {
    usage: "forget <voyage>",
    summary: "put the folder of a voyage that has sunk into the archive, out of sight; nothing is deleted",
    examples: ["ocaptain forget voyage-abc"],
    run: async (io, [voyage]) => (await import("../verbs/forget.ts")).forget(String(voyage), io),
  },
];

/** The words `sail` and `sink`: known, and not followed here. */
export function addMovedVerbs(program: Command): void {
  for (const word of ["sail", "sink"] as const)
    program
      .command(`${word} [words...]`, { hidden: true })
      .allowUnknownOption()
      .action(async (words: string[]) => (await import("../verbs/moved.ts")).moved(word, words));
}
