import { Command } from "commander";
import { openIo } from "../output/io.ts";
import { CAPTAIN } from "./captain.ts";
import { FLEET } from "./fleet.ts";
import { LOOKS } from "./looks.ts";
import { ORDERS } from "./orders.ts";
import type { Verb } from "./verb.ts";

/** The kinds of verbs, by the heading under which help lists them. */
const KINDS: Record<string, readonly Verb[]> = {
  "Looks:": LOOKS,
  "Orders:": ORDERS,
  "The fleet:": FLEET,
  "Your machine:": CAPTAIN,
};

/**
 * Makes the command line of all verbs. What was typed wrong is thrown as a CommanderError, after it was reported.
 * @param end.signal ends the verb that runs
 * @param end.done takes the exit status of the verb
 */
export function makeProgram(version: string, end: { signal: AbortSignal; done: (status: number) => void }): Command {
  const program = new Command("ocaptain")
    .description("Sails voyages, fleets of coding agents on VMs; looks at them, steers them and sinks them.")
    .version(version)
    .exitOverride()
    .showHelpAfterError("(ocaptain --help, or ocaptain VERB --help)")
    .addHelpText(
      "after",
      `
A voyage is a stack's name; it may be left out when there is only one (that has not sunk). Voyages are in ~/voyages, or OCAPTAIN_VOYAGES.
Results go to stdout, progress to stderr. Exit status: 0 ok, 1 failed, 2 usage, 130 interrupted.

Examples:
  ocaptain sail ./plan
  ocaptain status --watch
  ocaptain tasks -s blocked
  ocaptain logs -f -s ship-0
  ocaptain shell ship-0`,
    );
  for (const [heading, verbs] of Object.entries(KINDS)) for (const verb of verbs) add(program, verb, heading, end);
  program
    .command("__complete [words...]", { hidden: true })
    .action(async (words: string[]) =>
      openIo(false, end.signal).out((await (await import("../verbs/complete.ts")).complete(program, words)).join("\n")),
    );
  return program;
}

function add(program: Command, verb: Verb, heading: string, end: Parameters<typeof makeProgram>[1]): void {
  const command = program.command(verb.usage).helpGroup(heading).description(verb.summary).option("--json", "print JSON");
  for (const [flags, what] of verb.options ?? []) command.option(flags, what);
  command.addHelpText("after", `\nExamples:\n${verb.examples.map((line) => `  ${line}`).join("\n")}`);
  command.action(async () => {
    const { json, ...options } = command.opts();
    end.done(
      (await verb.run(openIo(json === true, end.signal, verb.isLong), command.processedArgs, options as Record<string, never>)) ??
        0,
    );
  });
}
