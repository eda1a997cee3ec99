import { existsSync } from "node:fs";
import { join } from "node:path";

/** The folder that holds all of ocaptain's rooms: a checkout, or the installed package, which has the same layout. */
export const PROJECT = join(import.meta.dirname, "..", "..");

/**
 * The file that runs a program of ours, by its path without an ending (`helm/main`): TypeScript in a checkout, JavaScript in the package, since Node strips no
 * types below `node_modules`.
 */
export function programFile(path: string): string {
  const file = join(PROJECT, path);
  return existsSync(`${file}.ts`) ? `${file}.ts` : `${file}.js`;
}
