import { readFile } from "node:fs/promises";
import type { VoyageFolder } from "../base/paths.ts";
import type { ProviderSettings } from "../sprites/types.ts";

/**
 * Reads how the voyage's ships are reached, as the last `up` told the helm. Returns null for a voyage that is not at
 * sea.
 */
export async function readVoyageProvider(folder: VoyageFolder): Promise<ProviderSettings | null> {
  const text = await readFile(folder.credentials, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  return text === null ? null : (JSON.parse(text) as ProviderSettings);
}
