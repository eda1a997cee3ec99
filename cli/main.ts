/**
 * `ocaptain` is the captain's command beside `pulumi`. This file holds the command line; what a verb does is in
 * cli/verbs/.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { loadDotEnv } from "../lib/base/dot-env.ts";
import { OcaptainError, withCause } from "../lib/base/errors.ts";
import { keepInside } from "../lib/base/no-proxy.ts";
import { PROJECT } from "../lib/base/program-file.ts";
import { plainJson, plainLines } from "../lib/base/text.ts";
import { pasteable } from "./output/hint.ts";
import { type Io, openIo } from "./output/io.ts";
import "./shell.ts";

/** The codes of errors in what was typed, rather than in what was found. */
const USAGE = new Set(["USAGE", "WHICH_VOYAGE", "WHICH_SHIP", "WHICH_QUESTION", "NO_TERMINAL", "USE_PULUMI"]);

loadDotEnv(PROJECT);
keepInside();

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
    setTimeout(() => process.exit(statusOf(signal)), GRACE_MS).unref();
  });
const statusOf = (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];

const asJson = process.argv.includes("--json");

const program = new Command("ocaptain")
  .description("Looks at voyages and steers them. Sailing and sinking are Pulumi's: pulumi up, pulumi destroy.")
  .version(String(JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")).version))
  .exitOverride()
  // With --json, `failed` reports a slip, as JSON; without, commander does.
  .configureOutput(asJson ? { writeErr: () => {} } : {})
  .showHelpAfterError("(ocaptain --help, or ocaptain VERB --help)")
  .addHelpText(
    "after",
    `
A voyage is a stack's name; it may be left out when there is only one (that has not sunk). Voyages are in ~/voyages, or OCAPTAIN_VOYAGES.
Results go to stdout, progress to stderr. Exit status: 0 ok, 1 failed, 2 usage, 130 interrupted.

Examples:
  ocaptain status --watch
  ocaptain tasks -s blocked
  ocaptain logs -f -s ship-0
  ocaptain shell ship-0`,
  );

type Values = Record<string, never>;
type Run = (io: Io, words: (string | undefined)[], options: Values) => Promise<number | undefined>;

/**
 * Declares a verb with `--json` and examples. Its code is loaded when it runs: `status` need not read the code of
 * `shell`.
 */
function verb(usage: string, summary: string, examples: string, run: Run): Command {
  const command = program.command(usage).description(summary).option("--json", "print JSON");
  command.addHelpText("after", `\nExamples:\n${examples.replace(/^/gm, "  ")}`);
  return command.action(async () => {
    const { json, ...options } = command.opts();
    process.exitCode = (await run(openIo(json === true, interrupted.signal), command.processedArgs, options as Values)) ?? 0;
  });
}

verb(
  "status [voyage]",
  "show the voyage, what needs the captain, and a row a ship",
  "ocaptain status\nocaptain status voyage-abc --watch\nocaptain status --json | jq '.attention'",
  async (io, [voyage], options) => (await import("./verbs/status.ts")).status(voyage, options, io) as Promise<undefined>,
).option("-w, --watch", "look again each second, until the voyage has sunk, or Ctrl-C; waits for one that is not there yet");

verb(
  "ls",
  "a row a voyage: state, tasks, ships, spend, what needs the captain",
  "ocaptain ls\nocaptain ls --all",
  async (io, _words, options) => (await import("./verbs/ls.ts")).ls(options, io) as Promise<undefined>,
).option("-a, --all", "also those that have sunk");

verb(
  "wait [voyage]",
  "until the voyage is verified; exit status 0 reached, 1 it waits for somebody, 124 the time is over",
  "ocaptain wait voyage-abc && ocaptain clone voyage-abc\nocaptain wait --for idle --timeout 2h",
  async (io, [voyage], options) => (await import("./verbs/wait.ts")).wait(voyage, options, io),
)
  .option("--for <what>", "verified (default; a plan without verify.sh: all done), idle (no task is at work), needs-captain")
  .option("--timeout <duration>", "at most 45s, 10m, 2h, 1d");

verb(
  "tasks [voyage]",
  "show a row a task: status, ship, what it waits for, tries, spend, commit, reason",
  "ocaptain tasks\nocaptain tasks voyage-abc -s blocked",
  async (io, [voyage], options) => (await import("./verbs/tasks.ts")).tasks(voyage, options, io) as Promise<undefined>,
).option("-s, --status <status>", "only tasks that are pending, claimed, accepted, blocked, cancelled");

verb(
  "logs [voyage]",
  "show the ships' logs, merged by time; also of ships that are gone",
  "ocaptain logs -n 50\nocaptain logs voyage-abc -f -s ship-0\nocaptain logs --task 7\nocaptain logs --since 10m -g 'error|failed'",
  async (io, [voyage], options) => (await import("./verbs/logs.ts")).logs(voyage, options, io) as Promise<undefined>,
)
  .option("-s, --ship <ship>", "only lines of this ship")
  .option("-f, --follow", "go on as they grow, until Ctrl-C")
  .option("-g, --grep <regex>", "only lines that match")
  .option("-n, --lines <number>", "only the last lines, so many")
  .option("--since <duration>", "only lines of the last 45s, 10m, 2h, 1d")
  .option("--task <id>", "only lines of this task");

verb(
  "shell [voyage] [ship]",
  "show the ship's tmux in this terminal (detach: Ctrl-b d): Claude Code's, else the crew's; wakes the ship",
  "ocaptain shell ship-0\nocaptain shell voyage-abc ship-0 --write\nocaptain shell 0 --raw",
  async (io, words, options) => (await import("./verbs/shell.ts")).shell(words, options, io),
)
  .option("--raw", "a shell on the ship, in its workspace")
  .option("--crew", "the crew's own journal, also where Claude Code's screen is")
  .option("--write", "keys reach what is shown: to type to Claude Code");

verb(
  "answer <ship> <words...>",
  "answer what a ship's agent asked the captain, or send a message to an interactive session; '#7' names a task instead of a ship, - reads stdin",
  "ocaptain answer ship-0 'Green, as in the logo.'\nocaptain answer '#7' No, leave it out.\nocaptain answer 0 - --voyage voyage-abc < answer.txt",
  async (io, [ship, words], { voyage }) =>
    (await import("./verbs/answer.ts")).answer(String(ship), words as unknown as string[], voyage, io) as Promise<undefined>,
).option("--voyage <voyage>", "the voyage, where there are several");

verb(
  "release <task> [voyage]",
  "take a task away from the ship that holds it (the ship is fenced)",
  "ocaptain release 7\nocaptain release 7 voyage-abc --reason 'it runs in circles'",
  async (io, [task, voyage], options) =>
    (await import("./verbs/steer.ts")).release(String(task), voyage, options, io) as Promise<undefined>,
).option("--reason <text>", "why, for the record");

verb(
  "retry <task> [voyage]",
  "let a blocked task be tried again; verify instead of a task: run a verify.sh again that failed; limit: give tasks out, whatever usage limit ships report",
  "ocaptain retry 7\nocaptain retry verify voyage-abc\nocaptain retry limit",
  async (io, [task, voyage]) => (await import("./verbs/steer.ts")).retry(String(task), voyage, io) as Promise<undefined>,
);

verb(
  "clone [voyage]",
  "make a git clone of the voyage's branch",
  "ocaptain clone\nocaptain clone voyage-abc -d ~/review",
  async (io, [voyage], options) => (await import("./verbs/clone.ts")).clone(voyage, options, io) as Promise<undefined>,
).option("-d, --dest <folder>", "where to (default: ./VOYAGE)");

verb(
  "doctor",
  "check tools, daemons, leftovers and settings: what is wrong, and the command that helps",
  "ocaptain doctor\nocaptain doctor --json",
  async (io) => (await import("./verbs/doctor.ts")).doctor(io),
);

for (const word of ["sail", "sink"] as const)
  program
    .command(`${word} [words...]`, { hidden: true })
    .allowUnknownOption()
    .action(async (words: string[]) => (await import("./verbs/moved.ts")).moved(word, words));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = failed(error);
}
process.exit(interruptedBy ? statusOf(interruptedBy) : process.exitCode);

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
  return { code: "USAGE", message: said, hint: "ocaptain --help  # or that of a verb, as: ocaptain status --help" };
}
