import { existsSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { helmHome, type VoyageFolder, voyageFolder, voyageFolderAt } from "../base/paths.ts";

/** Where each voyage is, as the helm keeps it (helm/voyages.ts); it is read, never written, here. */
export const helmRegistryFile = () => join(helmHome(), "voyages.json");

/** Tells whether anything of a voyage has been made in its folder, beyond the file that says who it is. */
export const hasBegun = (folder: VoyageFolder) => existsSync(folder.repo) || existsSync(folder.ledger);

/** Returns the folder by which the helm knows this voyage, when that is another than ours and still the voyage's; else null. */
export async function folderElsewhere(stack: string, voyageId: string): Promise<string | null> {
  const registry = await readJson(helmRegistryFile());
  const at = (registry?.[voyageId] as { folder?: unknown } | undefined)?.folder;
  return typeof at === "string" && (await isOtherFolderOf(voyageId, at, voyageFolder(stack).root)) ? at : null;
}

/** Is `at` a folder of this voyage, and another one than `here`? One that was moved to `here`, or is the same by a link, is not. */
export async function isOtherFolderOf(voyageId: string, at: string, here: string): Promise<boolean> {
  if (at === here || (await real(at)) === (await real(here))) return false;
  return (await readJson(voyageFolderAt(at, "any").voyageFile))?.voyageId === voyageId;
}

const real = (path: string) => realpath(path).catch(() => path);

async function readJson(file: string): Promise<Record<string, unknown> | null> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Record<string, unknown> | null;
  } catch {
    return null; // not there, or not to be understood: who needs it says so
  }
}
