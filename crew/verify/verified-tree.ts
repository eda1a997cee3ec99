import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ThisShip } from "../machine/ship.ts";
import { ensureFolder } from "../tree/files.ts";

/**
 * The folders that change places for verify.sh. While it runs, `~/voyage/workspace` is the fresh checkout of the tip,
 * for everybody on the ship: scripts go there by that name, by HOME or by the whole path, and what they start looks
 * there too. The ship's own tree waits in `~/voyage/aside`.
 *
 * The captain's sync must see nothing of this: it would carry the checkout home, and what a person edits there into the
 * checkout. So the sync reaches the tree through the link `~/voyage/synced`, which leads to `~/voyage`, and to
 * `~/voyage/aside` meanwhile. In between the link leads to itself: a look at it is then an error, after which the sync
 * tries again, where a folder that is not there would be taken for deleted.
 */
type Places = Pick<ThisShip, "workspace" | "aside" | "synced" | "scratch">;

/**
 * Puts `checkout` in the place of the ship's own tree. {@link putBack} undoes it; when this crew dies, the next one
 * does.
 */
export function putInPlace(ship: Places, checkout: string): void {
  mkdirSync(ship.aside, { recursive: true, mode: 0o700 });
  ensureFolder(ship.workspace);
  pointSync(ship, basename(ship.synced));
  renameSync(ship.workspace, join(ship.aside, "workspace"));
  renameSync(checkout, ship.workspace);
  pointSync(ship, basename(ship.aside));
}

/**
 * Puts the ship's own tree back in its place, wherever this or an earlier crew has stopped. What was there goes to the
 * scratch folder: returns its path, or null when there was nothing.
 */
export function putBack(ship: Places): string | null {
  const own = join(ship.aside, "workspace");
  let moved: string | null = null;
  if (isThere(own)) {
    pointSync(ship, basename(ship.synced));
    if (isThere(ship.workspace)) {
      mkdirSync(ship.scratch, { recursive: true });
      moved = join(ship.scratch, `verified-${process.pid}-${Date.now()}`);
      move(ship.workspace, moved);
    }
    move(own, ship.workspace);
  }
  pointSync(ship, ".");
  return moved;
}

/** Tells whether something is at `path`, also a link that leads nowhere. */
const isThere = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/**
 * Moves a file or folder. A folder that may not be written cannot be moved to another, so it is made writable first.
 */
function move(from: string, to: string): void {
  if (lstatSync(from).isDirectory()) chmodSync(from, 0o700);
  renameSync(from, to);
}

/** Lets the link `~/voyage/synced` lead to `to`, by a rename, so that the link is there at every moment. */
function pointSync({ synced }: Places, to: string): void {
  const next = join(dirname(synced), `.${basename(synced)}.next`);
  rmSync(next, { force: true });
  symlinkSync(to, next);
  renameSync(next, synced);
}
