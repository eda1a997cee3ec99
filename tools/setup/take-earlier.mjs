import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { checkoutFolder } from "../places.mjs";

/**
 * Copies `name`, a file or a folder, from the checkout's `.tools/`, where set-up once put all parts, to `target`;
 * returns whether there was something to copy. `earlier` is the part's stamp there, if it still fits. What is copied
 * keeps its times; what is there is removed once the part is in its place.
 */
export function takeEarlier(earlier, name, target) {
  const source = join(checkoutFolder, name);
  if (!earlier || !existsSync(source)) return false;
  cpSync(source, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  return true;
}
