import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, CommanderError } from "commander";
import { OcaptainError, withCause } from "../lib/base/errors.ts";
import { PROJECT } from "../lib/base/program-file.ts";
import { plainJson, plainLines } from "../lib/base/text.ts";
import { hintAt, pasteable } from "./output/hint.ts";
import { helpFor, makeProgram } from "./words/program.ts";

/** The codes of errors in what was typed, rather than in what was found. */
const USAGE = new Set(["USAGE", "WHICH_VOYAGE", "WHICH_SHIP", "WHICH_QUESTION", "NO_TERMINAL", "STACK_NAME"]);

/**
 * Runs what was typed after `ocaptain`, and reports on stderr what fails, as JSON when that was asked for.
 * @param end.signal ends the verb that runs
 * @param end.interrupted gives the exit status of a run that a signal has ended; such a run reports nothing
 * @returns the exit status
 */
export async function run(
  words: readonly string[],
  end: { signal: AbortSignal; interrupted: () => number | undefined },
): Promise<number> {
  const asJson = words.includes("--json");
  const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { version: string };
  let status = 0;
  const program = makeProgram(version, {
    signal: end.signal,
    done: (of) => {
      status = of;
    },
  });
  hintAt(undefined);
  // With --json a slip is reported below, as JSON; without, commander does it.
  if (asJson) silence(program);
  try {
    await program.parseAsync(words, { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // help, or the version
    if (error instanceof CommanderError && !asJson) return 2; // commander has reported it
    return end.interrupted() ?? report(error, { asJson, help: () => helpFor(program, words) });
  }
}

/** Keeps commander from writing to stderr, in every verb. */
function silence(command: Command): void {
  command.configureOutput({ writeErr: () => {} });
  for (const each of command.commands) silence(each);
}

/** Reports an error on stderr. @returns the exit status */
function report(error: unknown, { asJson, help }: { asJson: boolean; help: () => string }): number {
  const { code, message, hint: said } = error instanceof CommanderError ? slip(error, help()) : known(error);
  const hint = said && pasteable(said);
  const text = `${message}${hint ? `\n  hint: ${hint}` : ""}`;
  process.stderr.write(`${asJson ? plainJson({ error: code, message, hint }) : plainLines(text)}\n`);
  return USAGE.has(code) ? 2 : 1;
}

function known(error: unknown): { code: string; message: string; hint: string | undefined } {
  const { code, hint } = error instanceof OcaptainError ? error : { code: "FAILED", hint: undefined };
  return { code, message: withCause(error), hint };
}

/** What commander says of what was typed. Where no verb was typed, its message is but a mark. */
function slip({ code, message }: CommanderError, help: string): { code: string; message: string; hint: string } {
  const said = code === "commander.help" ? "there is no such verb" : message.replace(/^error: /, "");
  return { code: "USAGE", message: said, hint: help };
}
