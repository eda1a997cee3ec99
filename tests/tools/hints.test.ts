import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { execa } from "execa";
import { expect, test } from "vitest";
import { makeProgram } from "../../cli/words/program.ts";

/**
 * A secret's value after the setting's name, or after --secret behind that name. A value that is read from elsewhere,
 * by `$(…)` or `<`, does not match.
 */
const TYPED = [/config set (--secret [\w-]+:[\w-]+ +["'\w$]|\S+ +--secret +\w)/, /export \w*(TOKEN|KEY|SECRET)\w*=[^$]/];

test("no text of the project asks for a secret on a command line, where history and process lists keep it", async () => {
  const { stdout } = await execa("git", ["ls-files", "*.ts", "*.mjs", "*.md", "*.yaml"]);
  const found: string[] = [];
  for (const file of stdout.split("\n").filter((name) => !name.startsWith("tests/"))) {
    const lines = (await readFile(file, "utf8").catch(() => "")).split("\n");
    found.push(...lines.filter((line) => TYPED.some((typed) => typed.test(line))).map((line) => `${file}: ${line.trim()}`));
  }
  expect(found).toEqual([]);
});

/** A text that begins as a command does. */
const COMMAND = /["`]((?:pulumi|npm|ocaptain|git|kill|export|unset|tailscale|rm|cat|ls) [^"`]*)["`]/g;

test("a hint that begins with a command can be pasted: it has no placeholder, and what is said beside it stands behind a #", async () => {
  const { stdout } = await execa("git", ["ls-files", "*.ts"]);
  const found: string[] = [];
  for (const file of stdout.split("\n").filter((name) => !/^(tests|bench|tools)\//.test(name))) {
    const text = await readFile(file, "utf8").catch(() => "");
    for (const line of text.split("\n").filter((each) => /hint/i.test(each)))
      for (const [, hint = ""] of line.matchAll(COMMAND)) {
        const [command = ""] = hint.replaceAll(/\$\{[^}]*(\}|$)/g, "x").split("  #");
        if (/[()]|…|\s(?!HEAD)[A-Z]{2,}\b(?!=)/.test(command.replaceAll(/'[^']*'|\$\([^)]*\)/g, "")))
          found.push(`${file}: ${hint}`);
      }
  }
  expect(found).toEqual([]);
});

/** Texts of `ocaptain` that speak of Pulumi but are no commands to paste. */
const PROSE = [
  "Sailing and sinking are Pulumi's: pulumi up, pulumi destroy.",
  "waiting until pulumi up has made it",
  "the next pulumi up ends it",
  /^ *terminal\.(heading|line|plain)\(/,
];

/** The rooms whose code knows the stack that it is about. Where it is not known, the code that reports adds it. */
const ROOMS = ["cli", "components", "dynamic-providers", "helm", "lib/preflight", "lib/voyage"];
const KNOW_NONE = [
  // What a ship's or the captain's own tailscale says: their caller knows the voyage.
  "dynamic-providers/tailnet-node/captain-peers.ts",
  "dynamic-providers/tailnet-node/ship-node.ts",
  // Looks at this machine, which are the same for every stack.
  ...["check", "claude", "tailnet", "tools"].map((name) => `lib/preflight/${name}.ts`),
  // A ledger that cannot be opened, and a voyage that is not registered, tell no stack.
  "helm/ledger/lock.ts",
  "helm/voyages.ts",
  // A repository's address tells no stack: the verb that opens the forge does.
  "cli/forge/which.ts",
];

test("each command of Pulumi in a text of a room that knows the stack says on which", async () => {
  const { stdout } = await execa("git", ["ls-files", ...ROOMS.map((room) => `${room}/*.ts`)]);
  const found: string[] = [];
  for (const file of stdout.split("\n").filter((name) => !KNOW_NONE.includes(name))) {
    const lines = (await readFile(file, "utf8").catch(() => "")).split("\n").filter((line) => !/^\s*(\/?\*|\/\/)/.test(line));
    for (const line of lines) {
      if (PROSE.some((prose) => (typeof prose === "string" ? line.includes(prose) : prose.test(line)))) continue;
      for (const [command] of line.matchAll(/\bpulumi (up|destroy|preview|refresh|config (set|rm))\b[^;&#]*/g))
        if (!/ -s /.test(command)) found.push(`${file}: ${line.trim()}`);
    }
  }
  expect(found).toEqual([]);
});

test("each command of ocaptain that a skill names can be typed, with its options", async () => {
  const { stdout } = await execa("git", ["ls-files", "plugin/skills", "docs/skills.md"]);
  const texts = await Promise.all(stdout.split("\n").map((file) => readFile(file, "utf8")));
  const named = texts.flatMap((text) =>
    Array.from(text.matchAll(/(?<=`|^ {4}|Bash\()ocaptain ([^`\n)]+)/gm), ([, words]) => words!),
  );
  expect(named.length).toBeGreaterThan(10);
  const program = makeProgram("0", { signal: new AbortController().signal, done: () => {} });
  expect(named.filter((words) => !canBeTyped(program, words.split(/\s+/)))).toEqual([]);
});

/** Tells whether words are a verb, or a verb of a verb, and options that it has. A `*` of a rule stands for any. */
function canBeTyped(program: Command, words: readonly string[]): boolean {
  const [verb, ...rest] = words;
  if (verb === "*") return true;
  const command = program.commands.find((each) => each.name() === verb);
  if (!command) return false;
  if (command.commands.length > 0) return canBeTyped(command, rest);
  const flags = command.options.flatMap((option) => [option.short, option.long]);
  return rest.filter((word) => word.startsWith("-")).every((word) => flags.includes(word));
}
