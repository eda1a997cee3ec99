import { existsSync } from "node:fs";
import { join } from "node:path";

/** The folder of ocaptain's own code: a checkout, or the installed package, which has the same layout. */
export const PROJECT = join(import.meta.dirname, "..", "..");

/**
 * Finds the file that runs a program of ours, by its path without an ending (`helm/main`). It is TypeScript in a
 * checkout and JavaScript in the package, since Node strips no types below `node_modules`.
 */
export function programFile(path: string): string {
  const file = join(PROJECT, path);
  return existsSync(`${file}.ts`) ? `${file}.ts` : `${file}.js`;
}
