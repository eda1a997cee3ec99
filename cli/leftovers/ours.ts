import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ocaptainHome, type VoyageFolder, voyageFolderAt, voyagesRoot } from "../../lib/base/paths.ts";
import { readVoyageIdentityAt, type VoyageIdentity } from "../../lib/voyage/identity.ts";
import { helmRegistryFile } from "../../lib/voyage/whereabouts.ts";
import type { Standing } from "./leftover.ts";

/** The voyages that this captain knows, wherever their folders are. */
export type Ours = {
  /** The captain's own id; "" where this machine has never sailed. */
  me: string;
  voyages: ReadonlyMap<string, { file: VoyageIdentity; folder: VoyageFolder }>;
  /** Folders that look like a voyage's, and do not say which: there is no voyage.json, or it is broken. */
  nameless: readonly string[];
  standing(voyageId: string): Standing;
  /** Why a thing of this voyage is left over, in words. */
  why(voyageId: string): string;
};

/**
 * Reads the voyages of this captain: those beside each other in the voyages' folder, put aside or archived ones, and
 * those that the helm holds in another folder, which OCAPTAIN_VOYAGES need not name now. Changes nothing.
 */
export async function readOurs(): Promise<Ours> {
  const me = (await readFile(join(ocaptainHome(), "captain"), "utf8").catch(() => "")).trim();
  const roots = new Set([
    ...(await foldersIn(voyagesRoot())),
    ...(await foldersIn(join(voyagesRoot(), ".archive"))),
    ...(await heldByHelm()),
  ]);
  const voyages = new Map<string, { file: VoyageIdentity; folder: VoyageFolder }>();
  const nameless: string[] = [];
  for (const root of roots) {
    const file = await readVoyageIdentityAt(root).catch(() => null);
    // A voyage that was begun anew has two folders with two ids; one that was copied has two with one, and sails.
    if (file && !(voyages.has(file.voyageId) && file.sunkAt))
      voyages.set(file.voyageId, { file, folder: voyageFolderAt(root, file.stack) });
    else if (!file && ["repo.git", "helm", "voyage.json"].some((name) => existsSync(join(root, name)))) nameless.push(root);
  }
  const standing = (voyageId: string): Standing => {
    const file = voyages.get(voyageId)?.file;
    if (!file) return "unknown";
    if (me !== "" && file.captainId !== me) return "another captain's";
    return file.sunkAt ? "sunk" : "at sea";
  };
  const why = (voyageId: string) => {
    const file = voyages.get(voyageId)?.file;
    if (!file) return `no voyage here has the id ${voyageId}`;
    return standing(voyageId) === "another captain's"
      ? `voyage ${file.stack} is sailed by captain ${file.captainId} now`
      : `voyage ${file.stack} has sunk`;
  };
  return { me, voyages, nameless, standing, why };
}

async function foldersIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith("."))
    .map((entry) => join(root, entry.name))
    .sort();
}

async function heldByHelm(): Promise<string[]> {
  const text = await readFile(helmRegistryFile(), "utf8").catch(() => "{}");
  try {
    return Object.values(JSON.parse(text) as Record<string, { folder?: unknown }>).flatMap(({ folder }) =>
      typeof folder === "string" && existsSync(folder) ? [folder] : [],
    );
  } catch {
    return []; // The helm itself says that its registry is broken.
  }
}
