import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { compileCache } from "../places.mjs";

/** The most files that are kept. One checkout takes some two thousand, about 15 MB. */
const MOST = 20_000;

/**
 * Removes the code that Node has kept compiled when there is too much of it. Node itself never removes any: what it
 * kept for a checkout that is gone, or for an earlier Node, would stay for ever. Who reads or writes there meanwhile
 * just compiles once more.
 */
export function boundCompileCache(folder = compileCache(), most = MOST) {
  try {
    const kept = readdirSync(folder).flatMap((version) => readdirSync(join(folder, version)));
    if (kept.length <= most) return;
    // It is moved first, so that nobody writes into what is being removed. What an interruption leaves is removed, by
    // its name, by the next set-up that makes something.
    const away = mkdtempSync(join(dirname(folder), "tmp-compiled-"));
    renameSync(folder, join(away, "compiled"));
    rmSync(away, { recursive: true, force: true });
  } catch {
    // There is none yet, another set-up was faster, or this user may not write there and so keeps nothing.
  }
}
