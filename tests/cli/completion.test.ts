import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BIN, ocaptain } from "../support/ocaptain.ts";

/** These tests are of the completion that real shells ask for; a shell that is not on this machine is left out. */

let folder: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "oco-"));
  const at = join(folder, "v", "voyage-abc");
  const file = {
    voyageId: "abc123",
    stack: "voyage-abc",
    captainId: "0123456789ab",
    nonce: "n",
    createdAt: "2026-11-23T00:00:00Z",
  };
  for (const ship of ["ship-0", "ship-1"]) await mkdir(join(at, "ships", ship), { recursive: true });
  await writeFile(join(at, "voyage.json"), JSON.stringify(file));
  await mkdir(join(folder, "v", "$(touch pwned)"));
  await writeFile(join(folder, "v", "$(touch pwned)", "voyage.json"), JSON.stringify({ ...file, sunkAt: file.createdAt }));
  const home = { OCAPTAIN_HOME: join(folder, "h"), OCAPTAIN_VOYAGES: join(folder, "v") };
  Object.assign(process.env, home);
  env = { ...process.env, ...home, HOME: folder, PATH: `${dirname(BIN)}${delimiter}${process.env.PATH}` };
});
afterAll(async () => {
  for (const name of ["OCAPTAIN_HOME", "OCAPTAIN_VOYAGES"]) delete process.env[name];
  await rm(folder, { recursive: true, force: true });
});

const asked = async (...words: string[]) =>
  (await ocaptain("__complete", "--", ...words)).stdout.split("\n").map((line) => line.split("\t")[0]);

test("verbs, options, and names by what their place asks for; nothing that a shell would run", async () => {
  expect(await asked("sta")).toEqual(["status"]);
  expect(await asked("")).toEqual(expect.arrayContaining(["status", "pause", "completion"]));
  expect(await asked("")).not.toContain("__complete");
  expect(await asked("logs", "--f")).toEqual(["--follow"]);
  expect(await asked("status", "")).toEqual(["voyage-abc"]);
  expect(await asked("answer", "sh")).toEqual(["ship-0", "ship-1"]);
  expect(await asked("logs", "voyage-abc", "-s", "")).toEqual(["ship-0", "ship-1"]);
  expect(await asked("tasks", "-s", "bl")).toEqual(["blocked"]);
  expect(await asked("wait", "--for", "")).toEqual(["verified", "idle", "needs-captain"]);
  expect(await asked("clone", "-d", "")).toEqual([":files"]);
  expect(await asked("completion", "")).toEqual(["bash", "zsh", "fish"]);
  expect(await asked("retry", "v")).toEqual(["verify"]);
  expect(await asked("plan", "ch")).toEqual(["check"]);
  expect(await asked("plan", "check", "--st")).toEqual(["--strict"]);
  expect(await asked("nonsense", "")).toEqual([""]);
});

/** Ways to have each shell complete a line as at a press of Tab, and print what it offers, a line each. */
const PRESSED: Record<string, (line: string) => string> = {
  bash: (line) => `
    source <(ocaptain completion bash)
    read -ra COMP_WORDS <<< '${line}'; [[ '${line}' == *' ' ]] && COMP_WORDS+=("")
    COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
    $(complete -p ocaptain | sed -E 's/.*-F ([^ ]+).*/\\1/') ocaptain
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: (line) => `ocaptain completion fish | source; complete -C '${line}' | string split -f1 \\t; true`,
  zsh: (line) => `
    autoload -Uz compinit && compinit -u -D
    source <(ocaptain completion zsh)
    _describe() { print -rl -- "\${(@P)2%%:*}" }
    words=(\${(z)\${:-'${line}x'}}); words[-1]=\${words[-1]%x}; CURRENT=$#words
    _ocaptain`,
};

for (const shell of ["bash", "zsh", "fish"]) {
  const isHere = (process.env.PATH ?? "").split(delimiter).some((at) => existsSync(join(at, shell)));
  test.skipIf(!isHere)(`${shell} completes verbs, options, voyages and ships by the script that is printed for it`, async () => {
    const press = async (line: string) => {
      const { stdout } = await execa(shell, ["-c", PRESSED[shell]!(line)], { env, timeout: 30_000 });
      return stdout.split("\n").filter(Boolean);
    };
    expect(await press("ocaptain sta")).toEqual(["status"]);
    expect(await press("ocaptain logs --fol")).toEqual(["--follow"]);
    expect(await press("ocaptain status ")).toEqual(["voyage-abc"]);
    expect(await press("ocaptain shell voyage-abc ship")).toEqual(["ship-0", "ship-1"]);
  });
}

test("a shell that is not known is a slip that names those that are", async () => {
  const { exitCode, stderr } = await ocaptain("completion", "tcsh");
  expect(exitCode).toBe(2);
  expect(stderr).toContain('there is a completion for bash, zsh, fish, and none for "tcsh"');
});
