import { Command } from "commander";
import { openIo } from "../output/io.ts";
import { CAPTAIN, HANDOVER } from "./captain.ts";
import { FLEET } from "./fleet.ts";
import { HELM } from "./helm.ts";
import { LANDING } from "./landing.ts";
import { LOOKS } from "./looks.ts";
import { NOTIFY } from "./notify.ts";
import { ORDERS } from "./orders.ts";
import { PLANS } from "./plans.ts";
import { TELEMETRY, TELEMETRY_ALIASES } from "./telemetry.ts";
import type { Verb, VerbGroup } from "./verb.ts";

/** The kinds of verbs, by the heading under which help lists them. */
const KINDS: Record<string, readonly (Verb | VerbGroup)[]> = {
  "Plans:": PLANS,
  "Looks:": LOOKS,
  "Orders:": [...ORDERS, NOTIFY],
  "What it made:": LANDING,
  "The fleet:": FLEET,
  "Your machine:": [...CAPTAIN, HANDOVER, HELM, TELEMETRY],
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
  for (const [heading, verbs] of Object.entries(KINDS))
    for (const verb of verbs) "verbs" in verb ? addGroup(program, verb, heading, end) : add(program, verb, heading, end);
  program
    .command("__complete [words...]", { hidden: true })
    .action(async (words: string[]) =>
      openIo(false, end.signal).out((await (await import("../verbs/complete.ts")).complete(program, words)).join("\n")),
    );
  for (const verb of TELEMETRY_ALIASES) add(program, verb, "", end, true);
  return program;
}

type End = Parameters<typeof makeProgram>[1];

function addGroup(program: Command, group: VerbGroup, heading: string, end: End): void {
  const command = named(program, group, heading);
  for (const verb of group.verbs) add(command, verb, "Commands:", end);
  const main = command.commands.find((_, index) => group.verbs[index]?.isDefault);
  if (main)
    command.addHelpText("after", () => {
      const [options = ""] = /^Options:\n[\s\S]*/m.exec(main.helpInformation()) ?? [];
      return `\nWithout one of these commands it is "${main.name()}", and takes its options.\n${options.trimEnd()}`;
    });
}

/** The words by which a command is typed: `ocaptain plan check`. */
const pathOf = (command: Command): string => (command.parent ? `${pathOf(command.parent)} ` : "") + command.name();

/** The command whose help says what can be typed in the place of `words`: `ocaptain plan check --help`. */
export function helpFor(program: Command, words: readonly string[]): string {
  let command = program;
  for (const word of words) command = command.commands.find((each) => each.name() === word) ?? command;
  return `${pathOf(command)} --help`;
}

/** Makes the command of a verb, with what its help says. */
function named(
  above: Command,
  { usage, summary, examples, isDefault = false }: Pick<Verb, "usage" | "summary" | "examples" | "isDefault">,
  heading: string,
  hidden = false,
) {
  const command = above.command(usage, { hidden, isDefault }).helpGroup(heading).description(summary);
  command.showHelpAfterError(`(${pathOf(command)} --help)`);
  return command.addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
}

function add(above: Command, verb: Verb, heading: string, end: End, hidden = false): void {
  const command = named(above, verb, heading, hidden).option("--json", "print JSON");
  for (const [flags, what] of verb.options ?? []) command.option(flags, what);
  command.action(async () => {
    const { json, ...options } = command.opts();
    end.done(
      (await verb.run(openIo(json === true, end.signal, verb.isLong), command.processedArgs, options as Record<string, never>)) ??
        0,
    );
  });
}
