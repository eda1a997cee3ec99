import { execFile } from "node:child_process";
import { chmodSync, type Dirent, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Turns a path into a byte string (latin1, one character a byte): names of files are bytes, and not always text. */
export const bytesOf = (path: string) => Buffer.from(path, "utf8").toString("latin1");
/** Turns a byte string into a path. */
export const textOf = (bytes: string) => Buffer.from(bytes, "latin1").toString("utf8");
const at = (bytes: string) => Buffer.from(bytes, "latin1");

/** Tells whether a file or a link is at `path`, a byte string. */
export function isFile(path: string): boolean {
  const stat = lstatSync(at(path), { throwIfNoEntry: false });
  return stat !== undefined && (stat.isFile() || stat.isSymbolicLink());
}

/**
 * Makes `folder` a folder that its owner can use. A link or a file in its place is removed; what a link leads to stays.
 */
export function ensureFolder(folder: string): void {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat && !stat.isDirectory()) rmSync(folder, { force: true });
  mkdirSync(folder, { recursive: true });
  openFolder(bytesOf(folder));
}

/** Lists what lies in the folder at `path`, a byte string; the names are byte strings too. */
export const entriesOf = (path: string) =>
  readdirSync(at(path), { withFileTypes: true, encoding: "latin1" as BufferEncoding }) as Dirent<string>[];

const openFolder = (path: string) => open(path, 0o700);

/** Gives their owner access to every folder and file below `path`, a byte string. Follows no link. */
export function openAll(path: string): void {
  for (const folders = [path]; folders.length > 0; ) {
    const folder = folders.pop()!;
    openFolder(folder);
    for (const entry of entriesOf(folder)) {
      if (entry.isDirectory()) folders.push(`${folder}/${entry.name}`);
      else if (entry.isFile()) open(`${folder}/${entry.name}`, 0o600);
    }
  }
}

function open(path: string, wanted: number): void {
  const { mode } = lstatSync(at(path));
  if ((mode & wanted) !== wanted) chmodSync(at(path), (mode & 0o7777) | wanted);
}

/**
 * Takes off the flags that keep files as they are. Only the superuser can set such flags; elsewhere this does nothing.
 */
export async function unfreeze(path: string): Promise<void> {
  await execute("chattr", ["-R", "-f", "-i", "-a", "--", path], { timeout: 60_000 }).catch(() => {});
}

/** Removes `path` and all below it, whatever modes and flags it has. */
export async function removeAll(path: string): Promise<void> {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    await unfreeze(path);
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) openAll(bytesOf(path));
    await execute("rm", ["-rf", "--", path], { timeout: 10 * 60_000 });
  }
}
