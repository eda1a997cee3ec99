import { constants, copyFileSync, linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** The id of a user without any privilege. */
export const NOBODY = 65_534;

/** The arguments by which `setpriv` runs a command as that user: `spawn("setpriv", [...AS_NOBODY, "sleep", "9"])`. */
export const AS_NOBODY = ["--reuid", String(NOBODY), "--regid", String(NOBODY), "--clear-groups"];

/**
 * Puts this Node into a folder `node` in `folder`, and returns the program's path, for a test that runs something as
 * another user: set-up's own Node lies in a home that only its owner may enter.
 */
export function anyUsersNode(folder: string): string {
  const own = join(folder, "node");
  mkdirSync(own, { mode: 0o755 });
  const program = join(own, "node");
  linkOrCopy(process.execPath, program);
  return program;
}

/** Gives a file a second name, or copies it where that lies on another file system. */
export function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  }
}
