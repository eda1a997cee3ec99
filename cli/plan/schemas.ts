import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** The way to the JSON Schemas of the package, where one is installed at or above the folder; else none is named. */
export function schemasFor(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const schemas = join(at, "node_modules", "ocaptain", "plans", "schema");
    if (existsSync(schemas)) return relative(folder, schemas);
    if (at === dirname(at)) return undefined;
  }
}
