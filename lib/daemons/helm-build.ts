import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** How a helm that could not start ends. */
export const HELM_EXIT = { locked: 75, portBusy: 76 } as const;

const ROOT = join(import.meta.dirname, "..", "..");
export const HELM_MAIN = join(ROOT, "helm", "main.ts");

/** sha256 over the source that a helm runs (helm/ and lib/): one of other code is restarted. */
export async function helmBuild(): Promise<string> {
  const files: string[] = [];
  for (const room of ["helm", "lib"]) {
    for (const entry of await readdir(join(ROOT, room), { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && entry.name.endsWith(".ts")) files.push(join(entry.parentPath, entry.name));
    }
  }
  const hash = createHash("sha256");
  for (const file of files.sort()) {
    hash.update(`${relative(ROOT, file)}\0`);
    hash.update(await readFile(file));
  }
  return hash.digest("hex");
}
