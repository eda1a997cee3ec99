import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CREW_FOLDER } from "./crew-launch.ts";
import type { ShipFile } from "./install.ts";

/** `path` is relative to the crew's folder on the ship; `mode` are permission bits. */
export type CrewFile = { path: string; content: string; mode: number };

const CREW = fileURLToPath(new URL("../../crew/", import.meta.url));

/**
 * The crew as it goes on a ship: plain JavaScript for Node ≥ 22, no dependency, entry `supervisor.js`. Types are
 * stripped (never transformed), `.ts` specifiers become `.js`; nothing else changes, so a line number on a ship is a
 * line number here. `digest`: sha256 over the files, the same on every machine.
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
 * The crew's files where they lie on a ship. The same for all ships; stripping their types takes 30 ms in which this
 * process does nothing else.
 */
export function crewFiles(): Promise<ShipFile[]> {
  onShip ??= packCrew().then(({ files }) => files.map((file) => ({ ...file, path: `${CREW_FOLDER}/${file.path}` })));
  return onShip;
}

/**
 * The JavaScript of a file of ours: types are stripped, never transformed, so that lines stay, and imports name
 * JavaScript.
 */
export const toJavaScript = (source: string): string => pointToJs(stripTypes(source));

/** `from "./x.ts"` → `from "./x.js"`, and the same for bare and dynamic imports. */
function pointToJs(source: string): string {
  return source.replace(/(\b(?:from|import)\s*\(?\s*")(\.{1,2}\/[^"\n]+)\.ts"/g, '$1$2.js"');
}

/**
 * Node warns that this function is young. It is pinned with Node itself, and its output is under test: nobody needs to
 * read that in `pulumi up`.
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
