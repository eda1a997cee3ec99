/**
 * `ocaptain` is the captain's command beside `pulumi`. This file begins and ends it: environment, signals, errors, exit
 * status. What can be typed is in cli/words/, what a verb does in cli/verbs/.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, CommanderError } from "commander";
import { loadDotEnv } from "../lib/base/dot-env.ts";
import { OcaptainError, withCause } from "../lib/base/errors.ts";
import { keepInside } from "../lib/base/no-proxy.ts";
import { PROJECT } from "../lib/base/program-file.ts";
import { plainJson, plainLines } from "../lib/base/text.ts";
import { environment } from "../tools/environment.mjs";
import { pasteable } from "./output/hint.ts";
import { isWaitedFor } from "./output/waited-for.ts";
import { projectAround } from "./sail/project.ts";
import "./shell.ts";
import { helpFor, makeProgram } from "./words/program.ts";

/** The codes of errors in what was typed, rather than in what was found. */
const USAGE = new Set(["USAGE", "WHICH_VOYAGE", "WHICH_SHIP", "WHICH_QUESTION", "NO_TERMINAL", "STACK_NAME"]);

// A voyage's program reads the file of its own project; what is set first, counts.
const project = projectAround(process.cwd());
if (project) loadDotEnv(project);
loadDotEnv(PROJECT);
keepInside();
// Processes that a verb starts find set-up's tools, and the state, also from a shell that has loaded nothing.
Object.assign(process.env, environment());

const GRACE_MS = 3_000;
const interrupted = new AbortController();
let interruptedBy: "SIGINT" | "SIGTERM" | "SIGHUP" | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    // A second signal does not wait for what the first one ends.
    if (interruptedBy) process.exit(statusOf(signal));
    interruptedBy = signal;
    interrupted.abort();
    // A verb ends by itself, and puts things in order; one that waits for somebody else is not waited for.
    setTimeout(function end() {
      if (isWaitedFor()) setTimeout(end, GRACE_MS).unref();
      else process.exit(statusOf(signal));
    }, GRACE_MS).unref();
  });
const statusOf = (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];

const asJson = process.argv.includes("--json");

const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { version: string };
const program = makeProgram(version, {
  signal: interrupted.signal,
  done: (status) => {
    process.exitCode = status;
  },
});
// With --json, `failed` reports a slip, as JSON; without, commander does.
if (asJson) silence(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = failed(error);
}
process.exit(interruptedBy ? statusOf(interruptedBy) : process.exitCode);

/** Keeps commander from writing to stderr, in every verb. */
function silence(command: Command): void {
  command.configureOutput({ writeErr: () => {} });
  for (const each of command.commands) silence(each);
}

/** Reports an error on stderr, as JSON when that was asked for. @returns the exit status */
function failed(error: unknown): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0; // help, or the version
  if (error instanceof CommanderError && !asJson) return 2; // commander has reported it
  if (interruptedBy) return statusOf(interruptedBy);
  const { code, message, hint: said } = error instanceof CommanderError ? slip(error) : known(error);
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
function slip({ code, message }: CommanderError): { code: string; message: string; hint: string } {
  const said = code === "commander.help" ? "there is no such verb" : message.replace(/^error: /, "");
  return { code: "USAGE", message: said, hint: helpFor(program, process.argv.slice(2)) };
}
