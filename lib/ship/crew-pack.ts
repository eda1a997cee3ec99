import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CREW_FOLDER } from "./crew-launch.ts";
import type { ShipFile } from "./install.ts";

/** A file of the crew: `path` is relative to the crew's folder on the ship, and `mode` are permission bits. */
export type CrewFile = { path: string; content: string; mode: number };

const CREW = fileURLToPath(new URL("../../crew/", import.meta.url));

/**
 * Packs the crew as it goes on a ship: plain JavaScript for Node ≥ 22 without dependencies, with the entry
 * `supervisor.js`. Types are stripped (never transformed) and `.ts` specifiers become `.js`; nothing else changes, so a
 * line number on a ship is a line number here. `digest` is the sha256 over the files, and is the same on every machine.
 */
export async function packCrew(): Promise<{ files: CrewFile[]; digest: string }> {
  const names = (await readdir(CREW, { recursive: true })).filter((name) => name.endsWith(".ts")).sort();
  const files: CrewFile[] = [{ path: "package.json", content: '{"type":"module"}\n', mode: 0o600 }];
  for (const name of names) {
    const source = await readFile(join(CREW, name), "utf8");
    files.push({ path: name.replace(/\.ts$/, ".js"), content: toJavaScript(source), mode: 0o600 });
  }
  return { files, digest: createHash("sha256").update(JSON.stringify(files)).digest("hex") };
}

let onShip: Promise<ShipFile[]> | undefined;

/**
 * Returns the crew's files where they lie on a ship. They are the same for all ships, and are made once, because
 * stripping their types takes 30 ms in which this process does nothing else.
 */
export function crewFiles(): Promise<ShipFile[]> {
  onShip ??= packCrew().then(({ files }) => files.map((file) => ({ ...file, path: `${CREW_FOLDER}/${file.path}` })));
  return onShip;
}

/**
 * Makes JavaScript of a file of ours. Types are stripped and never transformed, so that lines stay, and imports name
 * the JavaScript.
 */
export const toJavaScript = (source: string): string => pointToJs(stripTypes(source));

/** Turns `from "./x.ts"` into `from "./x.js"`, and bare and dynamic imports likewise. */
function pointToJs(source: string): string {
  return source.replace(/(\b(?:from|import)\s*\(?\s*")(\.{1,2}\/[^"\n]+)\.ts"/g, '$1$2.js"');
}

/**
 * Strips types without Node's warning that this function is young. It is pinned with Node itself, and its output is
 * under test, so nobody needs to read that warning in `pulumi up`.
 */
function stripTypes(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
