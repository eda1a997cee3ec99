import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { explain, OcaptainError } from "../base/errors.ts";
import { type VoyageFolder, voyageFolderAt, voyagesRoot } from "../base/paths.ts";
import { readVoyageIdentity, type VoyageIdentity } from "../voyage/identity.ts";

/** A voyage that this captain has a folder of. */
export type KnownVoyage = { file: VoyageIdentity; folder: VoyageFolder };

/** The names of the folders in `voyagesRoot()` that have a voyage.json, in order. */
export async function voyageNames(): Promise<string[]> {
  const entries = await readdir(voyagesRoot()).catch(() => []);
  return entries.filter((name) => existsSync(join(voyagesRoot(), name, "voyage.json"))).sort();
}

/** Every voyage of this captain, in the order of its name, and a sentence for each that cannot be read. */
export async function allVoyages(): Promise<{ known: KnownVoyage[]; broken: string[] }> {
  const seen = await Promise.allSettled((await voyageNames()).map(knownVoyage));
  return {
    known: seen.flatMap((each) => (each.status === "fulfilled" ? [each.value] : [])),
    broken: seen.flatMap((each) => (each.status === "rejected" ? [explain(each.reason)] : [])),
  };
}

/** The voyage in the folder of that name. @throws OcaptainError NO_VOYAGE, VOYAGE_FILE */
export async function knownVoyage(name: string): Promise<KnownVoyage> {
  const file = await readVoyageIdentity(name);
  if (!file) throw new OcaptainError("NO_VOYAGE", `voyage "${name}" is gone`);
  // The folder of a voyage that was put aside has another name than its stack.
  return { file, folder: voyageFolderAt(join(voyagesRoot(), name), file.stack) };
}
