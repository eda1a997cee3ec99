import { readFile } from "node:fs/promises";
import { execa } from "execa";
import { expect, test } from "vitest";

/** A value after the setting's name, or after --secret behind it; `$(…)` and `<` are read from somewhere else. */
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

test("a hint that begins with a command can be pasted: what is said beside it stands behind a #", async () => {
  const { stdout } = await execa("git", ["ls-files", "*.ts"]);
  const found: string[] = [];
  for (const file of stdout.split("\n").filter((name) => !/^(tests|bench|tools)\//.test(name))) {
    const text = await readFile(file, "utf8").catch(() => "");
    for (const line of text.split("\n").filter((each) => /hint/i.test(each)))
      for (const [, hint = ""] of line.matchAll(COMMAND)) {
        const [command = ""] = hint.replaceAll(/\$\{[^}]*(\}|$)/g, "x").split("  #");
        if (/[()]/.test(command.replaceAll(/'[^']*'|\$\([^)]*\)/g, ""))) found.push(`${file}: ${hint}`);
      }
  }
  expect(found).toEqual([]);
});
