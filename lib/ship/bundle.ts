import { posix } from "node:path";

/**
 * Puts a program's modules into one file of CommonJS. Node starts such a file with half the processor time that as
 * many modules of ECMAScript need: nothing is looked up and linked, and the import of `node:http` as a module of
 * ECMAScript alone reads all that it exports, for which Node loads its whole HTTP client of `fetch`.
 *
 * It is written by hand, since a captain has no development dependency where a ship is given its crew. So it knows only
 * what the crew's sources use, which are named imports and exports, and refuses the rest. Lines stay as they are within
 * a module, under a line with its name.
 */

/** A line of the program that is put before all modules. A module is run when it is first asked for. */
const HEAD = `"use strict";
const made = new Map();
function need(name) {
  if (!made.has(name)) made.set(name, modules[name]());
  return made.get(name);
}
`;

const IMPORT = /^import\s*\{([^}]*)\}\s*from\s*"([^"]+)";?/gm;
const BARE_IMPORT = /^import\s*"([^"]+)";?/gm;
const EXPORT = /^export ((?:async )?function\*?|class|const) (\w+)/gm;
const LEFT = /^(?:import|export)\b.*/m;

/**
 * Returns the program that begins at `entry`.
 *
 * @param sources JavaScript by its path; imports name paths in it, or modules of Node
 */
export function bundle(entry: string, sources: ReadonlyMap<string, string>): string {
  const modules: string[] = [];
  const seen = new Set<string>();
  const add = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    const source = sources.get(path);
    if (source === undefined) throw new Error(`${path}: there is no such module`);
    const { code, imports } = asFunction(path, source, path === entry);
    modules.push(code);
    imports.forEach(add);
  };
  add(entry);
  return `${HEAD}const modules = {\n${modules.join("")}};\nneed(${JSON.stringify(entry)});\n`;
}

/**
 * Makes a function of a module, which returns what the module exports. The first module may wait at its top level; a
 * failure there ends Node as that of any promise which nobody handles.
 */
function asFunction(path: string, source: string, isEntry: boolean): { code: string; imports: string[] } {
  const imports: string[] = [];
  const exported: string[] = [];
  const asked = (specifier: string) => {
    if (specifier.startsWith("node:")) return `require("${specifier}")`;
    const target = posix.join(posix.dirname(path), specifier);
    imports.push(target);
    return `need("${target}")`;
  };
  const body = source
    .replace(IMPORT, (_, names: string, specifier: string) => `const {${names.replaceAll(" as ", ": ")}} = ${asked(specifier)};`)
    .replace(BARE_IMPORT, (_, specifier: string) => `${asked(specifier)};`)
    .replace(EXPORT, (_, kind: string, name: string) => {
      exported.push(name);
      return `${kind} ${name}`;
    });
  const left = LEFT.exec(body);
  if (left) throw new Error(`${path}: a ship's program cannot have the line: ${left[0]}`);
  const code = `${isEntry ? "async " : ""}"${path}"() {\n${body}\nreturn { ${exported.join(", ")} };\n},\n`;
  return { code, imports };
}
