import { readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { readText } from "../../../lib/plan/read.ts";
import type { Clues } from "./propose-verify.ts";

const MOST_BYTES = 512 * 1024;
const MOST_WORKFLOWS = 20;

/**
 * Reads the files of a repository that may tell how it is tested. What leads out of it, or is no text, is passed over.
 */
export async function cluesOf(repository: string): Promise<Clues> {
  const names = new Set(await readdir(repository).catch(() => []));
  const bound = (await realpath(repository)) + sep;
  const read = async (name: string): Promise<string | undefined> => {
    const path = await realpath(join(repository, name)).catch(() => undefined);
    if (!path?.startsWith(bound)) return undefined;
    const reading = await readText(path, MOST_BYTES);
    return "text" in reading ? reading.text : undefined;
  };
  const folder = ".github/workflows";
  const workflows = (await readdir(join(repository, folder)).catch(() => []))
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .slice(0, MOST_WORKFLOWS)
    .map(async (name) => ({ name: `${folder}/${name}`, text: (await read(join(folder, name))) ?? "" }));
  return {
    packageJson: await read("package.json"),
    makefile: await read("Makefile"),
    pyproject: await read("pyproject.toml"),
    names,
    workflows: await Promise.all(workflows),
  };
}
