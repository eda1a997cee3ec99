import { parse as parseYaml } from "yaml";
import type { SourceFile } from "./shape.ts";

/** The files at the top of a repository that may tell how it is tested; those that are not there are undefined. */
export type Clues = {
  packageJson?: string | undefined;
  makefile?: string | undefined;
  pyproject?: string | undefined;
  /** The names of all files at the top. */
  names: ReadonlySet<string>;
  workflows: readonly SourceFile[];
};

/** A verify.sh that nobody has approved: its commands, and the files from which each was taken. */
export type Proposal = { text: string; commands: string[]; from: string[] };

/**
 * Proposes a verify.sh. Only commands that are known by their names are taken (npm test, make check, pytest …), and no
 * text of a stranger's file becomes a command, but for lines of a CI configuration that look like one of these. Null
 * where nothing tells how the repository is tested.
 */
export function proposeVerify(clues: Clues): Proposal | null {
  const found: { from: string; commands: string[] }[] = [
    { from: "package.json", commands: ofPackage(clues) },
    { from: "pyproject.toml", commands: ofPyproject(clues) },
    { from: "Cargo.toml", commands: clues.names.has("Cargo.toml") ? ["cargo test"] : [] },
    { from: "go.mod", commands: clues.names.has("go.mod") ? ["go vet ./...", "go test ./..."] : [] },
  ].filter(({ commands }) => commands.length > 0);
  // A Makefile and a CI most often call the commands above once more.
  if (found.length === 0) found.push({ from: "Makefile", commands: ofMakefile(clues.makefile ?? "") });
  if (found[0]!.commands.length === 0) found.splice(0, 1, ...clues.workflows.map(ofWorkflow));
  const used = found.filter(({ commands }) => commands.length > 0);
  if (used.length === 0) return null;
  const lines = used.flatMap(({ from, commands }) => ["", `# from ${from}`, ...commands]);
  return {
    text: [...HEAD, ...lines, ""].join("\n"),
    commands: used.flatMap(({ commands }) => commands),
    from: used.map(({ from }) => from),
  };
}

/** The words by which the file is known to be nobody's decision yet. */
export const MARK = "PROPOSAL of ocaptain plan import";
const HEAD = [
  "#!/usr/bin/env bash",
  `# ${MARK}: nobody has said yet that this proves the voyage.`,
  "# Read it, change it, add what the spec promises, and take these two lines out. It runs in a fresh checkout.",
  "set -euo pipefail",
];

const SCRIPTS = ["typecheck", "lint", "check", "build", "test"];

function ofPackage({ packageJson, names }: Clues): string[] {
  if (packageJson === undefined) return [];
  let scripts: unknown;
  try {
    scripts = (JSON.parse(packageJson) as { scripts?: unknown } | null)?.scripts;
  } catch {
    return [];
  }
  const has = (name: string) => {
    const script = (scripts as Record<string, unknown> | undefined)?.[name];
    // What `npm init` writes only says that there are no tests, and fails.
    return typeof script === "string" && !script.includes("no test specified");
  };
  const wanted = SCRIPTS.filter(has);
  if (wanted.length === 0) return [];
  if (names.has("pnpm-lock.yaml")) return ["pnpm install --frozen-lockfile", ...wanted.map((name) => `pnpm run ${name}`)];
  if (names.has("yarn.lock")) return ["yarn install --immutable", ...wanted.map((name) => `yarn run ${name}`)];
  if (names.has("bun.lock") || names.has("bun.lockb"))
    return ["bun install --frozen-lockfile", ...wanted.map((name) => `bun run ${name}`)];
  return [names.has("package-lock.json") ? "npm ci" : "npm install", ...wanted.map((name) => `npm run ${name}`)];
}

function ofPyproject({ pyproject, names }: Clues): string[] {
  if (pyproject === undefined) return [];
  const tools = [/\bruff\b/.test(pyproject) && "ruff check .", /\bpytest\b/.test(pyproject) && "pytest"].filter(
    (each) => each !== false,
  );
  if (tools.length === 0) return [];
  if (names.has("uv.lock")) return ["uv sync --locked --all-extras", ...tools.map((tool) => `uv run ${tool}`)];
  if (names.has("poetry.lock")) return ["poetry install", ...tools.map((tool) => `poetry run ${tool}`)];
  return ["python3 -m venv .venv", ".venv/bin/pip install -e .", ...tools.map((tool) => `.venv/bin/${tool}`)];
}

const ofMakefile = (text: string) =>
  ["lint", "check", "test"]
    .filter((target) => new RegExp(`^${target}[ \\t]*:(?!=)`, "m").test(text))
    .map((target) => `make ${target}`);

/** One command, without anything that a shell would read as more than words. */
const COMMAND =
  /^(?:(?:npm|pnpm|yarn|bun) (?:ci|install|test|run [\w:-]{1,60})|(?:python3? -m |uv run |poetry run )?(?:pytest|tox|nox)|cargo (?:test|clippy)|go (?:test|vet)|make [\w-]{1,60}|(?:\.\/)?gradlew? \w{1,40}|mvn \w{1,40}|bundle exec (?:rspec|rake)|dotnet test|mix test|composer test)(?: [\w./:=@-]{1,80}){0,10}$/;
const MOST_COMMANDS = 20;

function ofWorkflow({ name, text }: SourceFile): { from: string; commands: string[] } {
  const commands = new Set<string>();
  for (const job of Object.values(record(record(readYaml(text)).jobs)))
    for (const step of list(record(job).steps))
      for (const line of String(record(step).run ?? "").split("\n"))
        if (COMMAND.test(line.trim()) && commands.size < MOST_COMMANDS) commands.add(line.trim());
  return { from: name, commands: [...commands] };
}

function readYaml(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 0, logLevel: "silent" });
  } catch {
    return {};
  }
}

const record = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
