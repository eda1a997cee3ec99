import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";
import { CREW_FOLDER } from "./crew-launch.ts";
import type { ShipFile } from "./install.ts";

/** A file of the crew: `path` is relative to the crew's folder on the ship, and `mode` are permission bits. */
export type CrewFile = { path: string; content: string; mode: number };

const CREW = fileURLToPath(new URL("../../crew/", import.meta.url));

/** The programs of the crew, each of which is one file on a ship: what is started there by its path. */
const PROGRAMS = ["supervisor.js", "provision/main.js", "gates/gate.js", "window/program.js", "tailnet/door.js"];

/**
 * Packs the crew as it goes on a ship: plain JavaScript for Node ≥ 22 without dependencies, with one file for each
 * program (lib/ship/bundle.ts), whose entry is `supervisor.js`. Types are stripped and never transformed.
 */
export async function packCrew(): Promise<CrewFile[]> {
  const sources = new Map<string, string>();
  for (const { path, content } of await crewSources()) sources.set(path.replace(/\.ts$/, ".js"), toJavaScript(content));
  return [
    { path: "package.json", content: '{"type":"commonjs"}\n', mode: 0o600 },
    ...PROGRAMS.map((path) => ({ path, content: bundle(path, sources), mode: 0o600 })),
  ];
}

/**
 * Returns the sha256 over the crew's sources whose paths begin with `under`; it is the same on every machine. The
 * sources stand for what is made of them, because each `pulumi up` and `preview` asks for this digest, and stripping
 * the types first would take 0.3 s of processor time.
 */
export async function crewDigest(under = ""): Promise<string> {
  const sources = (await crewSources()).filter(({ path }) => path.startsWith(under));
  return createHash("sha256").update(JSON.stringify(sources)).digest("hex");
}

/** Reads the crew's sources, in the order of their paths, which are relative to the crew's folder. */
async function crewSources(): Promise<{ path: string; content: string }[]> {
  const names = (await readdir(CREW, { recursive: true })).filter((name) => name.endsWith(".ts")).sort();
  return Promise.all(names.map(async (path) => ({ path, content: await readFile(join(CREW, path), "utf8") })));
}

let onShip: Promise<ShipFile[]> | undefined;

/**
 * Returns the crew's files where they lie on a ship. They are the same for all ships, and are made once, because
 * stripping their types takes 30 ms in which this process does nothing else.
 */
export function crewFiles(): Promise<ShipFile[]> {
  onShip ??= packCrew().then((files) => files.map((file) => ({ ...file, path: `${CREW_FOLDER}/${file.path}` })));
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
