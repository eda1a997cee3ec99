import { readdir } from "node:fs/promises";
import type { Argument, Command, Option } from "commander";
import { firstLine } from "../../lib/base/text.ts";
import { readTaskRows } from "../../lib/voyage/task-files.ts";
import { voyageNames } from "../../lib/watch/known.ts";
import { findVoyage } from "../target/choose-voyage.ts";

/** A word that can stand where one is typed, and what it is. */
type Candidate = readonly [word: string, what: string];
/** Stands for the names of files, which the shell knows best. */
const FILES: Candidate = [":files", ""];
/** Anything else would have to be quoted, each shell in its own way; none of ours has other characters. */
const PLAIN_WORD = /^[\w.:#@%+-]+$/;

/** Words that the shells know by the name that help gives an argument: `<what>`, `[voyage]`. */
const FIXED: Record<string, readonly string[]> = {
  status: ["pending", "claimed", "accepted", "blocked", "cancelled"],
  what: ["verified", "idle", "needs-captain"],
  duration: ["45s", "10m", "2h", "1d"],
  shell: ["bash", "zsh", "fish"],
  kind: ["systemd", "launchd", "tmux"],
  format: ["spec-kit", "openspec", "task-master", "beads", "backlog", "github"],
};
const FILE_ARGUMENTS = new Set(["folder", "file", "plan", "source"]);

/**
 * Finds what can stand in the place of the last of these words of a command line. It asks no helm and wakes nobody: a
 * shell asks at each press of a key.
 * @returns a line for each word, with a tab and what the word is; `:files` for names of files
 */
export async function complete(program: Command, words: readonly string[]): Promise<string[]> {
  const typed = words.at(-1) ?? "";
  const found = await candidates(program, words.slice(0, -1), typed).catch(() => []);
  return found
    .filter(([word]) => word === FILES[0] || (word.startsWith(typed) && PLAIN_WORD.test(word)))
    .map(([word, what]) => (what === "" ? word : `${word}\t${firstLine(what)}`));
}

async function candidates(program: Command, before: readonly string[], typed: string): Promise<readonly Candidate[]> {
  const [name, ...rest] = before;
  const help = program.createHelp();
  if (name === undefined)
    return typed.startsWith("-")
      ? flags(help.visibleOptions(program))
      : help.visibleCommands(program).map((command): Candidate => [command.name(), command.summary() || command.description()]);
  const command = program.commands.find((each) => each.name() === name);
  if (!command) return name === "help" ? help.visibleCommands(program).map((each): Candidate => [each.name(), ""]) : [];
  if (command.commands.length > 0) return candidates(command, rest, typed);
  const { given, open, values } = read(command, rest);
  if (open) return valuesOf(argumentName(open.flags), command, given, values);
  if (typed.startsWith("-")) return flags(help.visibleOptions(command));
  const all = command.registeredArguments;
  const at: Argument | undefined = all[given.length] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined);
  return at ? valuesOf(at.name(), command, given, values) : [];
}

const flags = (options: readonly Option[]) =>
  options.map((option): Candidate => [option.long ?? option.short ?? "", option.description]);

/** The name in an option's flags: `voyage` of `--voyage <voyage>`. */
const argumentName = (text: string) => /[<[]([\w-]+)/.exec(text)?.[1] ?? "";

/**
 * Reads the words after the verb: those that are none of an option's, the options' values, and an option that waits for
 * its own.
 */
function read(command: Command, words: readonly string[]) {
  const given: string[] = [];
  const values: Record<string, string> = {};
  let open: Option | undefined;
  for (const word of words) {
    if (open) {
      values[open.attributeName()] = word;
      open = undefined;
    } else if (word.startsWith("-") && word !== "-") {
      const option = command.options.find((each) => each.short === word || each.long === word);
      if (option?.required) open = option;
    } else given.push(word);
  }
  return { given, open, values };
}

async function valuesOf(
  name: string,
  command: Command,
  given: readonly string[],
  values: Record<string, string>,
): Promise<readonly Candidate[]> {
  if (FILE_ARGUMENTS.has(name)) return [FILES];
  if (FIXED[name]) return FIXED[name].map((word): Candidate => [word, ""]);
  if (name === "voyage") return (await voyageNames()).map((word): Candidate => [word, ""]);
  if (name !== "ship" && name !== "task" && name !== "id") return [];
  const index = command.registeredArguments.findIndex((argument) => argument.name() === "voyage");
  const { folder } = await findVoyage(values.voyage ?? given[index]);
  if (name === "ship") {
    const entries = await readdir(folder.ships, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry): Candidate => [entry.name, ""]);
  }
  const tasks = await readTaskRows(folder);
  const fits = { release: "claimed", retry: "blocked" }[command.name()];
  const isCancel = command.name() === "cancel";
  const ids = tasks
    .filter((task) => fits === undefined || task.status === fits)
    .filter((task) => !isCancel || (task.addedAt !== undefined && ["pending", "blocked"].includes(task.status)))
    .map((task): Candidate => [task.id, task.subject]);
  return command.name() === "retry"
    ? [...ids, ["verify", "a verify.sh that failed"], ["limit", "whatever limit ships report"]]
    : ids;
}
