import { existsSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { helmHome, type VoyageFolder, voyageFolder, voyageFolderAt } from "../base/paths.ts";

/**
 * The file in which the helm keeps the folder of each voyage (helm/voyages.ts). It is only read here, and never
 * written.
 */
export const helmRegistryFile = () => join(helmHome(), "voyages.json");

/** Tells whether anything of a voyage is in its folder other than the file that says who it is. */
export const hasBegun = (folder: VoyageFolder) => existsSync(folder.repo) || existsSync(folder.ledger);

/**
 * Finds the folder that the helm has for this voyage, when it is another than that of `stack` and is still the
 * voyage's. Returns null otherwise.
 */
export async function folderElsewhere(stack: string, voyageId: string): Promise<string | null> {
  const registry = await readJson(helmRegistryFile());
  const at = (registry?.[voyageId] as { folder?: unknown } | undefined)?.folder;
  return typeof at === "string" && (await isOtherFolderOf(voyageId, at, voyageFolder(stack).root)) ? at : null;
}

/**
 * Tells whether `at` is a folder of this voyage, and another one than `here`. It is not when it has been moved to
 * `here`, or leads to it by a link.
 */
export async function isOtherFolderOf(voyageId: string, at: string, here: string): Promise<boolean> {
  if (at === here || (await real(at)) === (await real(here))) return false;
  return (await readJson(voyageFolderAt(at, "any").voyageFile))?.voyageId === voyageId;
}

const real = (path: string) => realpath(path).catch(() => path);

async function readJson(file: string): Promise<Record<string, unknown> | null> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Record<string, unknown> | null;
  } catch {
    return null; // The file is missing or broken, of which whoever needs it tells the captain.
  }
}
