import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { PROJECT, programFile } from "../base/program-file.ts";

/** The exit statuses of a helm that could not start: another one runs, or its port is held. */
export const HELM_EXIT = { locked: 75, portBusy: 76 } as const;

export const HELM_MAIN = programFile("helm/main");

/**
 * Where a package says what it was made from: its own files are not the sources, and a digest of them would be another
 * one.
 */
export const BUILD_FILE = join("helm", "build");

/**
 * The digest of the code that a helm runs: a helm of other code is restarted. A package and the checkout that it was
 * made from have the same one.
 */
export async function helmBuild(): Promise<string> {
  const noted = await readFile(join(PROJECT, BUILD_FILE), "utf8").catch(() => null);
  return noted ? noted.trim() : sourceDigest();
}

/** sha256 over the sources of a helm and of what it starts, helm/, telemetry/ and lib/, with their paths. */
async function sourceDigest(): Promise<string> {
  const files: string[] = [];
  for (const room of ["helm", "telemetry", "lib"]) {
    for (const entry of await readdir(join(PROJECT, room), { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && entry.name.endsWith(".ts")) files.push(join(entry.parentPath, entry.name));
    }
  }
  const hash = createHash("sha256");
  for (const file of files.sort()) {
    hash.update(`${relative(PROJECT, file)}\0`);
    hash.update(await readFile(file));
  }
  return hash.digest("hex");
}
