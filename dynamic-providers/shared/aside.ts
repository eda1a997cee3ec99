import { join } from "node:path";
import { voyageFolder } from "../../lib/base/paths.ts";
import { plain } from "../../lib/base/text.ts";

/** The most paths that a message names. */
const NAMED = 10;

/** A new folder for the files of a mirror that its ship's own tree has otherwise, or has no more. */
export const leftFolder = (of: { stack: string; ship: string; incarnation: string }): string =>
  join(voyageFolder(of.stack).ships, "left", of.ship, `${of.incarnation}-${Date.now()}`);

/** Says on stderr, which `up` and `destroy` show, what was put aside and where. */
export function tellAside(ship: string, paths: readonly string[], aside: string): void {
  if (paths.length === 0) return;
  const names =
    paths
      .slice(0, NAMED)
      .map((line) => plain(line))
      .join(", ") + (paths.length > NAMED ? ", …" : "");
  console.error(`${ship}: the ship's version was kept, and what its mirror had was put aside in ${aside}: ${names}`);
}
