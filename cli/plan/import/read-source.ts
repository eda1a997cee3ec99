import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { withHome } from "../../../lib/base/paths.ts";
import { readAtMost } from "../../../lib/base/read-at-most.ts";
import { MAX_TASKS } from "../../../lib/plan/limits.ts";
import { readText } from "../../../lib/plan/read.ts";
import { repositoryAround } from "../../../lib/plan/repo.ts";
import { readBacklog } from "./backlog.ts";
import { readBeads } from "./beads.ts";
import { readOpenSpec } from "./openspec.ts";
import type { Format, Source, SourceFile } from "./shape.ts";
import { readSpecKit } from "./spec-kit.ts";
import { readTaskMaster } from "./task-master.ts";

const MiB = 1024 * 1024;
const MOST = { list: 4 * MiB, json: 64 * MiB, file: MiB };
const MOST_SPECS = 200;

export type Options = { parallel?: boolean; tag?: string };
/** A source that was read, the folder that it is called by, and one by which its repository is found. */
export type ReadSource = { source: Source; name: string; folder: string };

type Local = Exclude<Format, "github">;
const READERS: Record<Local, (word: string, options: Options) => Promise<ReadSource>> = {
  "spec-kit": async (word, { parallel = false }) => {
    const { folder, list, files } = await listIn(word);
    const documents = await files(["spec.md", "plan.md", "data-model.md"]);
    return { source: readSpecKit(await files(list), documents, parallel), name: basename(resolve(folder)), folder };
  },
  openspec: async (word, { parallel = false }) => {
    const { folder, list, files } = await listIn(word);
    const specs = await namesBelow(join(folder, "specs"), "spec.md");
    const documents = await files(["proposal.md", "design.md", ...specs.map((name) => join("specs", name))]);
    return { source: readOpenSpec(await files(list), documents, parallel), name: basename(resolve(folder)), folder };
  },
  "task-master": async (word, { parallel = false, tag }) => {
    const path = await firstOf(word, ["", ".taskmaster/tasks/tasks.json", "tasks/tasks.json", "tasks.json"]);
    const folder = dirname(path);
    const files = reader(folder, MOST.json);
    const source = readTaskMaster(await files(basename(path)), tag, parallel);
    source.documents = await files(["../docs/prd.md", "../docs/prd.txt"]);
    return { source, name: tag ?? nameAround(folder), folder };
  },
  beads: async (word, { parallel = false }) => {
    if (word === "-") {
      const bytes = await readAtMost(process.stdin, MOST.json, "standard input");
      return {
        source: readBeads({ name: "standard input", text: bytes.toString("utf8") }, parallel),
        name: nameAround("."),
        folder: ".",
      };
    }
    const path = await firstOf(word, ["", ".beads/issues.jsonl", "issues.jsonl"]);
    const source = readBeads(await reader(dirname(path), MOST.json)(basename(path)), parallel);
    if (path !== word)
      source.notes.push(`${path} is only as new as the last export: bd export | ocaptain plan import --from beads -`);
    return { source, name: nameAround(dirname(path)), folder: dirname(path) };
  },
  backlog: async (word, { parallel = false }) => {
    const at = await firstOf(word, ["backlog/config.yml", "config.yml", "../config.yml", "backlog/tasks", "tasks"]);
    const folder = dirname(at);
    const files = reader(folder, MOST.file);
    const inFolder = async (name: string) => files((await markdownIn(join(folder, name))).map((each) => join(name, each)));
    const [config] = await files(["config.yml"]);
    const parts = { tasks: await inFolder("tasks"), completed: await inFolder("completed"), config };
    return { source: readBacklog(parts, parallel), name: nameAround(folder), folder };
  },
};

/**
 * Reads a source from this machine's files. Nothing outside the source's repository is read, whatever links lie in it.
 *
 * @throws OcaptainError NO_SOURCE, SOURCE
 */
export const readLocal = (from: Local, word: string, options: Options): Promise<ReadSource> =>
  READERS[from](word === "-" ? word : withHome(word), options);

/** The files of a source's folder: one that must be there, or those of several that are. */
type Files = { (name: string): Promise<SourceFile>; (names: readonly string[]): Promise<SourceFile[]> };

function reader(folder: string, most: number): Files {
  const one = async (name: string): Promise<SourceFile | undefined> => {
    const path = join(folder, name);
    const real = await realpath(path).catch(() => undefined);
    if (real === undefined) return undefined;
    const bound = await realpath(repositoryAround(folder) ?? folder);
    if (!real.startsWith(bound + sep)) throw new OcaptainError("SOURCE", `${path} leads out of ${bound}, and is not read`);
    const reading = await readText(real, most);
    if ("problem" in reading) throw new OcaptainError("SOURCE", `${path} ${reading.problem}`);
    return { name: relative(process.cwd(), resolve(path)), text: reading.text };
  };
  return (async (names: string | readonly string[]) => {
    if (typeof names !== "string") {
      const found: SourceFile[] = [];
      for (const name of names) found.push(...[await one(name)].filter((file) => file !== undefined));
      return found;
    }
    const file = await one(names);
    if (file) return file;
    throw missing(join(folder, names));
  }) as Files;
}

/** The folder of a list and the list's name, where the folder or the list in it was named. */
async function listIn(word: string): Promise<{ folder: string; list: string; files: Files }> {
  const path = await firstOf(word, [""]);
  const [folder, list] = (await stat(path)).isDirectory() ? [path, "tasks.md"] : [dirname(path), basename(path)];
  return { folder, list, files: reader(folder, MOST.list) };
}

/**
 * The first of some paths that is there. One that is "" is the word itself, where it is no folder or the only choice.
 */
async function firstOf(word: string, paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const found = await stat(join(word, path)).catch(() => undefined);
    if (found && (path !== "" || paths.length === 1 || found.isFile())) return join(word, path);
  }
  throw missing(paths.length === 1 ? word : [word, ...paths.filter(Boolean).map((path) => join(word, path))].join(", nor "));
}

const missing = (what: string) =>
  new OcaptainError("NO_SOURCE", `there is no ${what}`, { hint: "ocaptain plan import --help  # says what each format reads" });

async function markdownIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".md")).sort();
  if (names.length <= MAX_TASKS) return names;
  throw new OcaptainError("SOURCE", `${folder} has ${names.length} tasks; at most ${MAX_TASKS} are taken`);
}

async function namesBelow(folder: string, name: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const found = entries.filter((entry) => entry.isFile() && entry.name === name);
  return found
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
    .slice(0, MOST_SPECS);
}

/** The name of a project: that of the folder of its repository. */
const nameAround = (folder: string) => basename(repositoryAround(folder) ?? resolve(folder));
